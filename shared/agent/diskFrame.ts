/**
 * Reads the one frame of `agent disk-map` (resources/agent/PROTOCOL.md, "map frames"): a snapshot whose frames are the
 * blocks of a disk. A disk has far more of them than a guest has pages, so they stay runs, and what a map cannot draw one
 * by one is folded: several blocks share a place.
 */
import type { MapRun } from './mapFrame.ts'
import { diskClasses } from '../model/diskClass.ts'
import { checkPayload, damaged, headerBytes, kindSnapshot, readHeader, readRuns } from './mapFrame.ts'

/** 16 TiB, which is as much as the agent explores. */
const maxBlocks = 2 ** 32

export interface DiskPlaces {
  /** A power of two; 1: each block has a place of its own. */
  blocksPerPlace: number
  places: number
  /** Each a LEB128 count of places and a class byte (mapRuns.ts decodes them). */
  runs: Uint8Array
}

/** The frame's runs, checked: they cover `blocks` blocks exactly. Throws `agent-protocol`. */
export function readDiskFrame(bytes: Uint8Array, blocks: number): Uint8Array {
  if (bytes.length < headerBytes)
    throw damaged('it ends in the middle of a frame')
  const header = readHeader(bytes, maxBlocks)
  const payload = bytes.subarray(headerBytes)
  if (header.kind !== kindSnapshot || header.frames !== blocks || header.payloadBytes !== payload.length)
    throw damaged('it is no snapshot of this disk')
  checkPayload(header, payload)
  for (const _ of readRuns(payload, blocks, false));
  return payload
}

/** The class that most blocks of a place have; of two with as many the later: "free" is an early one, so what is used shows. */
function commonest(tally: Uint32Array): number {
  return tally.lastIndexOf(Math.max(...tally))
}

/** One class a place. A class this version does not know counts as unknown. */
function fold(runs: Iterable<MapRun>, blocks: number, perPlace: number): Uint8Array {
  const classes = new Uint8Array(Math.ceil(blocks / perPlace))
  const tally = new Uint32Array(diskClasses.length)
  for (const { first, count, classNumber } of runs) {
    const known = classNumber < tally.length ? classNumber : 0
    for (let at = first, next = at; at < first + count; at = next) {
      const place = Math.floor(at / perPlace)
      next = Math.min(first + count, (place + 1) * perPlace)
      tally[known]! += next - at
      if (next === Math.min(blocks, (place + 1) * perPlace)) {
        classes[place] = next - at === perPlace ? known : commonest(tally)
        tally.fill(0)
      }
    }
  }
  return classes
}

/** A run of a single place takes two bytes, and no place takes more. */
function encodeRuns(classes: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(classes.length * 2)
  let length = 0
  for (let first = 0, end = 0; first < classes.length; first = end) {
    while (end < classes.length && classes[end] === classes[first])
      end++
    let count = end - first
    for (; count >= 0x80; count = Math.floor(count / 0x80))
      bytes[length++] = count % 0x80 | 0x80
    bytes[length++] = count
    bytes[length++] = classes[first]!
  }
  return bytes.slice(0, length)
}

/** `runs`: as `readDiskFrame` gives them. */
export function placesOf(runs: Uint8Array, blocks: number, maxPlaces: number): DiskPlaces {
  let blocksPerPlace = 1
  while (Math.ceil(blocks / blocksPerPlace) > maxPlaces)
    blocksPerPlace *= 2
  if (blocksPerPlace === 1)
    return { blocksPerPlace, places: blocks, runs }
  const classes = fold(readRuns(runs, blocks, false), blocks, blocksPerPlace)
  return { blocksPerPlace, places: classes.length, runs: encodeRuns(classes) }
}
