/** Texts by number, each kept once for as long as somebody uses it: most bans have one of a few reasons. */
export interface Texts {
  /** Counts one more user of the text; its number. */
  use: (text: string) => number
  get: (number: number) => string
  /** One user less. */
  leave: (number: number) => void
  clear: () => void
}

export function texts (): Texts {
  let numbers = new Map<string, number>()
  let list: string[] = []
  let users: number[] = []
  let free: number[] = []
  return {
    use (text) {
      let number = numbers.get(text)
      if (number === undefined) {
        number = free.pop() ?? list.length
        list[number] = text
        users[number] = 0
        numbers.set(text, number)
      }
      users[number]!++
      return number
    },
    get: (number) => list[number]!,
    leave (number) {
      if (--users[number]! > 0) return
      numbers.delete(list[number]!)
      list[number] = ''
      free.push(number)
    },
    clear () {
      numbers = new Map()
      list = []
      users = []
      free = []
    }
  }
}
