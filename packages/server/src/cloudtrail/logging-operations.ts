/** Logging is started and stopped, and how it goes is told. */
import { isoSeconds } from '../trails/log-file-name.ts'
import type { TrailStatus } from '../trails/trail-records.ts'
import type { TrailOperations } from './services.ts'
import { namedTrail, trailAtHome } from './trail-operations.ts'

export const LOGGING_OPERATIONS = {
  StartLogging: {
    readOnly: false,
    async run(services, call, input) {
      const trail = await trailAtHome(services, call, input, 'StartLogging')
      // The event of this call is the first that it logs.
      await services.trails.startLogging(trail, call.atMs)
      return {}
    },
  },
  StopLogging: {
    readOnly: false,
    async run(services, call, input) {
      await services.trails.stopLogging(await trailAtHome(services, call, input, 'StopLogging'))
      return {}
    },
  },
  GetTrailStatus: {
    readOnly: true,
    async run(services, call, input) {
      const trail = await namedTrail(services, call, input, 'GetTrailStatus')
      const status = await services.trails.status(trail.trailId)
      return status ? statusShape(status) : { IsLogging: false }
    },
  },
} satisfies TrailOperations

/** API reference, `GetTrailStatus`: some times are there twice, as a number and as a text. */
function statusShape(status: TrailStatus) {
  const { startedAtMs, stoppedAtMs, attemptedAtMs, deliveredAtMs, deliveryError } = status
  const { digestDeliveredAtMs, digestError } = status
  return {
    IsLogging: status.isLogging,
    ...time('StartLoggingTime', startedAtMs),
    ...time('StopLoggingTime', stoppedAtMs),
    ...time('LatestDeliveryTime', deliveredAtMs),
    ...(deliveryError !== undefined && { LatestDeliveryError: deliveryError }),
    ...time('LatestDigestDeliveryTime', digestDeliveredAtMs),
    ...(digestError !== undefined && { LatestDigestDeliveryError: digestError }),
    LatestDeliveryAttemptTime: timeText(attemptedAtMs),
    LatestDeliveryAttemptSucceeded: deliveryError === undefined ? timeText(attemptedAtMs) : timeText(deliveredAtMs),
    LatestNotificationAttemptTime: '',
    LatestNotificationAttemptSucceeded: '',
    TimeLoggingStarted: timeText(startedAtMs),
    TimeLoggingStopped: timeText(stoppedAtMs),
  }
}

const time = (member: string, atMs: number | undefined) => (atMs === undefined ? {} : { [member]: atMs / 1000 })
const timeText = (atMs: number | undefined) => (atMs === undefined ? '' : isoSeconds(atMs))
