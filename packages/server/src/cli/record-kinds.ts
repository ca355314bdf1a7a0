/**
 * Every kind of record there is. A kind is known once its module is loaded, and whoever goes through all records, as a
 * rotation of the root key does, must know them all: one that it does not know it could not seal anew.
 */
import '../alarms/alarm-records.ts'
import '../audit/event-index-key.ts'
import '../dashboards/dashboards.ts'
import '../delivery/access-logs.ts'
import '../identity/records.ts'
import '../journal/segment-records.ts'
import '../keys/doomed-secrets.ts'
import '../keys/grant-records.ts'
import '../keys/kms-records.ts'
import '../keys/last-usage.ts'
import '../keys/service-keys.ts'
import '../limits/limit-records.ts'
import '../limits/utilization-reports.ts'
import '../objects/records.ts'
import '../objects/storage-metrics.ts'
import '../trails/trail-records.ts'
