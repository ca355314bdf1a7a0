/** Object keys of log files and digests (user guide, "CloudTrail log file names" and "CloudTrail digest file structure"). */
import { randomInt } from 'node:crypto'
import type { Trail } from './trail-records.ts'

type Place = Pick<Trail, 's3KeyPrefix' | 'accountId'>

export function logFileKey(place: Place, region: string, atMs: number, unique: string): string {
  const { accountId } = place
  const file = `${accountId}_CloudTrail_${region}_${compact(atMs).slice(0, 13)}Z_${unique}.json.gz`
  return `${logFolder(place)}CloudTrail/${region}/${day(atMs)}/${file}`
}

export function digestKeyName(
  place: Place & Pick<Trail, 'name' | 'homeRegion'>,
  region: string,
  endMs: number,
): string {
  const { accountId, name, homeRegion } = place
  const file = `${accountId}_CloudTrail-Digest_${region}_${name}_${homeRegion}_${compact(endMs)}.json.gz`
  return `${digestFolder(place, region)}${day(endMs)}/${file}`
}

/** Ends with a slash. */
export const logFolder = ({ s3KeyPrefix, accountId }: Place) =>
  `${s3KeyPrefix === undefined ? '' : `${s3KeyPrefix}/`}AWSLogs/${accountId}/`

/** Ends with a slash. */
export const digestFolder = (place: Place, region: string) => `${logFolder(place)}CloudTrail-Digest/${region}/`

/** 16 letters and digits, which tell files of the same minute apart. */
export const uniqueText = () => Array.from({ length: 16 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')

/** As records and digests have times, e.g. `2015-08-12T04:01:31Z`. */
export const isoSeconds = (atMs: number) => `${new Date(atMs).toISOString().slice(0, 19)}Z`

/** e.g. `20150812T040131Z`. */
const compact = (atMs: number) => isoSeconds(atMs).replaceAll(/[-:]/g, '')
const day = (atMs: number) => isoSeconds(atMs).slice(0, 10).replaceAll('-', '/')

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
