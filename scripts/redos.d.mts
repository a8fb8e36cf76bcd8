export interface Expression { where: string, source: string, flags: string, hash: string }

export function expressions (): Expression[]
export function recorded (): Record<string, string>
export function analyse (expression: Expression, timeout: number): 'safe' | 'guarded' | 'unknown' | 'vulnerable'
