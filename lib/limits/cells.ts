const SMALLEST = 64

/**
 * A bounded pool of list cells of 16 bytes: when a bucket expires, its units, and the next newer cell of the same
 * key. Lists are known by their newest cell, whose next is the oldest. Cell 0 stands for none.
 */
export class CellPool {
  times = new Float64Array(0)
  words = new Int32Array(0)
  readonly #max: number
  #used = 1
  #free = 0

  constructor (max: number) {
    this.#max = max + 1
    this.clear()
  }

  clear (): void {
    this.#used = 1
    this.#free = 0
    this.times = new Float64Array(0)
    this.words = new Int32Array(0)
    this.#grow()
  }

  expires (cell: number): number {
    return this.times[cell * 2]!
  }

  count (cell: number): number {
    return this.words[cell * 4 + 2]! >>> 0
  }

  setCount (cell: number, count: number): void {
    this.words[cell * 4 + 2] = count
  }

  next (cell: number): number {
    return this.words[cell * 4 + 3]!
  }

  /** Adds the newest cell of a list; that cell, or 0 if the pool is empty. */
  add (tail: number, expires: number, count: number): number {
    let cell = this.#free
    if (cell !== 0) this.#free = this.next(cell)
    else if (this.#used === this.#max) return 0
    else {
      if (this.#used * 2 === this.times.length) this.#grow()
      cell = this.#used++
    }
    this.times[cell * 2] = expires
    this.setCount(cell, count)
    this.link(cell, tail === 0 ? cell : this.next(tail))
    if (tail !== 0) this.link(tail, cell)
    return cell
  }

  /** Frees the oldest cell of a list; the list's newest, 0 if it is empty now. */
  drop (tail: number): number {
    const head = this.next(tail)
    if (head === tail) {
      this.freeList(tail)
      return 0
    }
    this.link(tail, this.next(head))
    this.link(head, this.#free)
    this.#free = head
    return tail
  }

  /** Frees all cells of a list. */
  freeList (tail: number): void {
    if (tail === 0) return
    const head = this.next(tail)
    this.link(tail, this.#free)
    this.#free = head
  }

  link (cell: number, next: number): void {
    this.words[cell * 4 + 3] = next
  }

  #grow (): void {
    const cells = Math.min(this.#max, Math.max(SMALLEST, this.#used * 2))
    const buffer = new ArrayBuffer(cells * 16)
    const words = new Int32Array(buffer)
    words.set(this.words)
    this.words = words
    this.times = new Float64Array(buffer)
  }
}
