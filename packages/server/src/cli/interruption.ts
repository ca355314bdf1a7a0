/**
 * Gives `work` a signal that the first SIGINT or SIGTERM aborts, so that it can leave things in order; a second one ends
 * the process as it always would.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = () => {
    forget()
    controller.abort(new Error('interrupted'))
  }
  const forget = () => {
    for (const name of SIGNALS) process.off(name, stop)
  }
  for (const name of SIGNALS) process.on(name, stop)
  try {
    return await work(controller.signal)
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    forget()
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
