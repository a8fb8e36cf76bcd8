/** Every server that has been up for a while has been through this; see benchmarks/README.md, "The slow mode". */
export async function aged (): Promise<void> {
  await new Promise((resolve) => { setTimeout(resolve, 100) })
  globalThis.gc?.()
  globalThis.gc?.()
}
