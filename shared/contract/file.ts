/** A file that the console made for the user to save. */
import { z } from 'zod'
import { bytesUpTo } from './bytes.ts'

export const maxFileBytes = 16 * 1024 * 1024

export const fileSchema = z.object({ name: z.string(), mediaType: z.string(), bytes: bytesUpTo(maxFileBytes) })
export type FileView = z.infer<typeof fileSchema>
