/**
 * `text.charCodeAt(at)`, as fast for any text; `at` must lie within it. V8 has more than four kinds of strings: parts of
 * others, joined ones, with and without wide characters. A place that has met five of them looks the method up by its name
 * at each call from then on, for as long as the process runs: three times the time, and clients choose what it meets. Here
 * the method is a constant to the compiler. A position beyond the end would make it a call into the runtime, for all that use this.
 */
export function codeAt (text: string, at: number): number {
  return ''.charCodeAt.call(text, at)
}
