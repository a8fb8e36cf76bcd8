import type { FastifyInstance } from 'fastify'

/** The guard at run time. Every route of this scope asks for the key. */
export async function admin (app: FastifyInstance): Promise<void> {
  app.get('/stats', async () => app.guard.stats())
  app.get('/bans', async () => app.guard.bans())
  app.post<{ Params: { ip: string } }>('/ban/:ip', async ({ params }) => app.guard.ban(params.ip, { duration: '1h', reason: 'by hand' }))
  app.post<{ Params: { ip: string } }>('/unban/:ip', async ({ params }) => ({ lifted: app.guard.unban(params.ip) }))
  app.post<{ Params: { state: string } }>('/emergency/:state', async ({ params }) => {
    app.guard.emergency(params.state === 'on')
    return { emergency: params.state }
  })
  app.post<{ Params: { mode: string } }>('/mode/:mode', async ({ params }) => {
    await app.guard.update({ mode: params.mode as 'enforce' }, { by: 'admin' })
    return { mode: params.mode }
  })
}
