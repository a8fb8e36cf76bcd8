export { guardTestKit } from './testing/kit.ts'
export { assertPassed, assertRefused, guardMatchers } from './testing/matchers.ts'
export type { AsOptions, FakeClock, GuardTestKit, TestClient } from './testing/kit.ts'
export type { ExpectedRefusal } from './testing/matchers.ts'
