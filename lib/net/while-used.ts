/** Values by key, for as long as somebody else holds them. */
export interface WhileUsed<Value extends object> {
  get: (key: unknown) => Value | undefined
  set: (key: unknown, value: Value) => void
  delete: (key: unknown) => void
  entries: () => Array<[unknown, Value]>
}

/** What rules shared before an update and no rule names any more is given up. */
export function whileUsed<Value extends object> (): WhileUsed<Value> {
  const held = new Map<unknown, WeakRef<Value>>()
  const gone = new FinalizationRegistry<unknown>((key) => {
    // Somebody may have set another one since.
    if (held.get(key)?.deref() === undefined) held.delete(key)
  })
  return {
    get: (key) => held.get(key)?.deref(),
    set (key, value) {
      held.set(key, new WeakRef(value))
      gone.register(value, key)
    },
    delete (key) { held.delete(key) },
    entries: () => [...held].flatMap(([key, reference]): Array<[unknown, Value]> => {
      const value = reference.deref()
      return value === undefined ? [] : [[key, value]]
    })
  }
}
