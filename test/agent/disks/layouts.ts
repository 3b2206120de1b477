/**
 * Partition tables and an LVM2 physical volume, written by hand: sfdisk would do for the former, but LVM's own tools work
 * on block devices with device-mapper only. Formats: UEFI specification, chapter 5; LVM2 on-disk format.
 */
import type { Segment } from './comparison.ts'
import { Buffer } from 'node:buffer'
import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

const sector = 512

async function writeAt(disk: string, offset: number, bytes: Buffer): Promise<void> {
  const file = await open(disk, 'r+')
  await file.write(bytes, 0, bytes.length, offset)
  await file.close()
}

export interface Partition {
  /** Bytes. */
  offset: number
  bytes: number
}

// --- MBR ---

function bootSector(entries: { type: number, first: number, count: number }[]): Buffer {
  const bytes = Buffer.alloc(sector)
  entries.forEach(({ type, first, count }, i) => {
    bytes[446 + 16 * i + 4] = type
    bytes.writeUInt32LE(first, 446 + 16 * i + 8)
    bytes.writeUInt32LE(count, 446 + 16 * i + 12)
  })
  bytes.writeUInt16LE(0xAA55, 510)
  return bytes
}

/** Up to three primary partitions, then an extended one up to the disk's end; a logical one has its record a sector before it. */
export async function writeMbr(disk: string, diskBytes: number, primary: Partition[], logical: Partition[]): Promise<void> {
  const entries = primary.map(({ offset, bytes }) => ({ type: 0x83, first: offset / sector, count: bytes / sector }))
  const start = logical.length > 0 ? logical[0]!.offset / sector - 1 : 0
  if (logical.length > 0)
    entries.push({ type: 5, first: start, count: diskBytes / sector - start })
  await writeAt(disk, 0, bootSector(entries))
  for (const [i, { offset, bytes }] of logical.entries()) {
    const next = logical[i + 1]
    const here = [{ type: 0x83, first: 1, count: bytes / sector }]
    if (next)
      here.push({ type: 5, first: next.offset / sector - 1 - start, count: next.bytes / sector + 1 })
    await writeAt(disk, offset - sector, bootSector(here))
  }
}

// --- GPT ---

const gptEntries = 128
const gptEntryBytes = 128
const gptEntriesSectors = gptEntries * gptEntryBytes / sector

function gptHeader(here: number, other: number, entriesAt: number, sectors: number, entriesCrc: number): Buffer {
  const bytes = Buffer.alloc(sector)
  bytes.write('EFI PART', 0, 'latin1')
  bytes.writeUInt32LE(0x10000, 8)
  bytes.writeUInt32LE(92, 12)
  bytes.writeBigUInt64LE(BigInt(here), 24)
  bytes.writeBigUInt64LE(BigInt(other), 32)
  bytes.writeBigUInt64LE(BigInt(2 + gptEntriesSectors), 40)
  bytes.writeBigUInt64LE(BigInt(sectors - 2 - gptEntriesSectors), 48)
  bytes.fill(0x5A, 56, 72)
  bytes.writeBigUInt64LE(BigInt(entriesAt), 72)
  bytes.writeUInt32LE(gptEntries, 80)
  bytes.writeUInt32LE(gptEntryBytes, 84)
  bytes.writeUInt32LE(entriesCrc, 88)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 92)), 16)
  return bytes
}

export async function writeGpt(disk: string, diskBytes: number, partitions: Partition[]): Promise<void> {
  const sectors = diskBytes / sector
  const entries = Buffer.alloc(gptEntries * gptEntryBytes)
  partitions.forEach(({ offset, bytes }, i) => {
    entries.fill(0xC1 + i, i * gptEntryBytes, i * gptEntryBytes + 32)
    entries.writeBigUInt64LE(BigInt(offset / sector), i * gptEntryBytes + 32)
    entries.writeBigUInt64LE(BigInt((offset + bytes) / sector - 1), i * gptEntryBytes + 40)
  })
  const crc = crc32(entries)
  await writeAt(disk, 0, bootSector([{ type: 0xEE, first: 1, count: sectors - 1 }]))
  await writeAt(disk, sector, gptHeader(1, sectors - 1, 2, sectors, crc))
  await writeAt(disk, 2 * sector, entries)
  await writeAt(disk, (sectors - 1 - gptEntriesSectors) * sector, entries)
  await writeAt(disk, (sectors - 1) * sector, gptHeader(sectors - 1, 1, sectors - 1 - gptEntriesSectors, sectors, crc))
}

/** As a stray write to the start of the disk leaves it. */
export async function damagePrimaryGpt(disk: string): Promise<void> {
  await writeAt(disk, sector + 80, Buffer.from([1]))
}

// --- LVM2 ---

const lvmCrcStart = 0xF597A6CF
const extentBytes = 4 << 20
const dataStart = 1 << 20
const metadataStart = 4096
const physicalId = 'aaaaaabbbbccccddddeeeeffffgggggg'

/** LVM starts from a number of its own and does not invert, where zlib's crc32 does at both ends. */
function lvmCrc(bytes: Buffer): number {
  return ~crc32(bytes, ~lvmCrcStart >>> 0) >>> 0
}

export interface LogicalVolume {
  name: string
  /** In extents: pairs of where and how many, in the volume's order. */
  pieces: { place: number, count: number }[]
}

function dashed(id: string): string {
  return [id.slice(0, 6), ...[6, 10, 14, 18, 22].map(at => id.slice(at, at + 4)), id.slice(26)].join('-')
}

function volumeText({ name, pieces }: LogicalVolume): string {
  let start = 0
  const segments = pieces.map(({ place, count }, i) => {
    const text = `segment${i + 1} {\nstart_extent = ${start}\nextent_count = ${count}\n\ntype = "striped"\nstripe_count = 1\t# linear\n\nstripes = [\n"pv0", ${place}\n]\n}\n`
    start += count
    return text
  })
  return `${name} {\nid = "${dashed(physicalId)}"\nstatus = ["READ", "WRITE", "VISIBLE"]\nflags = []\ncreation_time = 1700000000\t# 2023-11-14\ncreation_host = "lab"\nsegment_count = ${pieces.length}\n\n${segments.join('\n')}}\n`
}

function groupText(extents: number, volumes: LogicalVolume[]): string {
  return `vg {\nid = "${dashed(physicalId)}"\nseqno = 7\nformat = "lvm2"\t# informational\nstatus = ["RESIZEABLE", "READ", "WRITE"]\nflags = []\nextent_size = ${extentBytes / sector}\t# 4 Megabytes\nmax_lv = 0\nmax_pv = 0\nmetadata_copies = 0\n
physical_volumes {\n\npv0 {\nid = "${dashed(physicalId)}"\ndevice = "/dev/xvda2"\t# Hint only\n\nstatus = ["ALLOCATABLE"]\nflags = []\ndev_size = ${extents * extentBytes / sector + dataStart / sector}\npe_start = ${dataStart / sector}\npe_count = ${extents}\n}\n}\n
logical_volumes {\n\n${volumes.map(volumeText).join('\n')}}\n}\n# Generated by hand\ncontents = "Text Format Volume Group"\nversion = 1\ndescription = ""\ncreation_host = "lab"\t# Linux\ncreation_time = 1700000000\n\0`
}

/** A label in the second sector, one metadata area, its text not at the area's start. Returns where each volume is on the disk. */
export async function writeLvm(disk: string, { offset, bytes }: Partition, volumes: LogicalVolume[]): Promise<{ segments: Segment[][], free: [number, number][] }> {
  const extents = Math.floor((bytes - dataStart) / extentBytes)
  const text = Buffer.from(groupText(extents, volumes), 'latin1')
  const areaBytes = dataStart - metadataStart
  const textAt = areaBytes - 700
  const label = Buffer.alloc(sector)
  label.write('LABELONE', 0, 'latin1')
  label.writeBigUInt64LE(1n, 8)
  label.writeUInt32LE(32, 20)
  label.write('LVM2 001', 24, 'latin1')
  label.write(physicalId, 32, 'latin1')
  label.writeBigUInt64LE(BigInt(bytes), 64)
  label.writeBigUInt64LE(BigInt(dataStart), 72)
  label.writeBigUInt64LE(BigInt(metadataStart), 104)
  label.writeBigUInt64LE(BigInt(areaBytes), 112)
  label.writeUInt32LE(lvmCrc(label.subarray(20)), 16)
  const header = Buffer.alloc(sector)
  header.write(' LVM2 x[5A%r0N*>', 4, 'latin1')
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(BigInt(metadataStart), 24)
  header.writeBigUInt64LE(BigInt(areaBytes), 32)
  header.writeBigUInt64LE(BigInt(textAt), 40)
  header.writeBigUInt64LE(BigInt(text.length), 48)
  header.writeUInt32LE(lvmCrc(text), 56)
  header.writeUInt32LE(lvmCrc(header.subarray(4)), 0)
  await writeAt(disk, offset + sector, label)
  await writeAt(disk, offset + metadataStart, header)
  await writeAt(disk, offset + metadataStart + textAt, text.subarray(0, areaBytes - textAt))
  await writeAt(disk, offset + metadataStart + sector, text.subarray(areaBytes - textAt))
  const place = (extent: number): number => offset + dataStart + extent * extentBytes
  const taken = new Set(volumes.flatMap(({ pieces }) => pieces.flatMap(({ place: first, count }) => Array.from({ length: count }, (_, i) => first + i))))
  return {
    segments: volumes.map(({ pieces }) => {
      let at = 0
      return pieces.map(({ place: first, count }) => {
        const segment = { at, offset: place(first), bytes: count * extentBytes }
        at += segment.bytes
        return segment
      })
    }),
    free: Array.from({ length: extents }, (_, i) => i).filter(extent => !taken.has(extent)).map(extent => [place(extent), place(extent + 1)]),
  }
}
