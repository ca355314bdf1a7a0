/** A service that answers in several regions: one door for each, and the signature says which is meant. */
import type { Door, Exchange } from '../core/exchange.ts'
import { regionOf } from './dispatch.ts'

export class RegionalDoor implements Door {
  readonly #doors: ReadonlyMap<string, Door>
  readonly #home: Door

  /** `home`: for requests that name no region of these; it refuses what is signed for another one than its own. */
  constructor(doors: ReadonlyMap<string, Door>, home: Door) {
    this.#doors = doors
    this.#home = home
  }

  handle(exchange: Exchange): Promise<void> {
    const { url = '/', headers } = exchange.request
    const region = regionOf(url, headers)
    return ((region !== undefined && this.#doors.get(region)) || this.#home).handle(exchange)
  }
}
