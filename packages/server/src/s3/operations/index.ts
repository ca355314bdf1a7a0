/** The table of all S3 operations; the router, the metric labels and the compatibility page are made from it. */
import type { Operation } from '../operation.ts'
import { getBucketAbac } from './buckets/abac.ts'
import { getBucketAccelerateConfiguration, putBucketAccelerateConfiguration } from './buckets/accelerate.ts'
import { getBucketAcl, putBucketAcl } from './buckets/acl.ts'
import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './buckets/buckets.ts'
import { deleteBucketCors, getBucketCors, putBucketCors } from './buckets/cors.ts'
import { deleteBucketEncryption, getBucketEncryption, putBucketEncryption } from './buckets/encryption.ts'
import { getBucketLogging, putBucketLogging } from './buckets/logging.ts'
import {
  deleteBucketMetricsConfiguration,
  getBucketMetricsConfiguration,
  listBucketMetricsConfigurations,
  putBucketMetricsConfiguration,
} from './buckets/metrics.ts'
import { getBucketNotificationConfiguration, putBucketNotificationConfiguration } from './buckets/notification.ts'
import { getObjectLockConfiguration, putObjectLockConfiguration } from './buckets/object-lock.ts'
import {
  deleteBucketOwnershipControls,
  getBucketOwnershipControls,
  putBucketOwnershipControls,
} from './buckets/ownership-controls.ts'
import { deleteBucketPolicy, getBucketPolicy, getBucketPolicyStatus, putBucketPolicy } from './buckets/policy.ts'
import { deletePublicAccessBlock, getPublicAccessBlock, putPublicAccessBlock } from './buckets/public-access-block.ts'
import { getBucketRequestPayment, putBucketRequestPayment } from './buckets/request-payment.ts'
import { listTagsForResource, tagResource, untagResource } from './buckets/resource-tags.ts'
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from './buckets/tagging.ts'
import { unconfiguredOperations } from './buckets/unconfigured.ts'
import { getBucketVersioning, putBucketVersioning } from './buckets/versioning.ts'
import { deleteObjects } from './listing/delete-objects.ts'
import { listObjects, listObjectsV2, listObjectVersions } from './listing/list-objects.ts'
import { completeMultipartUpload } from './multipart/complete-multipart-upload.ts'
import { abortMultipartUpload, createMultipartUpload } from './multipart/create-multipart-upload.ts'
import { listMultipartUploads, listParts } from './multipart/list-uploads.ts'
import { uploadPart, uploadPartCopy } from './multipart/upload-part.ts'
import { getObjectAcl, putObjectAcl } from './objects/acl.ts'
import { getObjectAnnotation, listObjectAnnotations } from './objects/annotations.ts'
import { copyObject } from './objects/copy-object.ts'
import { deleteObject } from './objects/delete-object.ts'
import { getObject, headObject } from './objects/get-object.ts'
import { getObjectAttributes } from './objects/get-object-attributes.ts'
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from './objects/object-lock.ts'
import { postObject } from './objects/post-object.ts'
import { putObject } from './objects/put-object.ts'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './objects/tagging.ts'
import { getObjectTorrent } from './objects/torrent.ts'
import { updateObjectEncryption } from './objects/update-object-encryption.ts'
import { preflights } from './preflight.ts'
import { refusedOperations } from './refused.ts'

export const operations: readonly Operation[] = [
  listBuckets,
  createBucket,
  headBucket,
  deleteBucket,
  getBucketLocation,
  getBucketAcl,
  putBucketAcl,
  getBucketVersioning,
  putBucketVersioning,
  getBucketEncryption,
  putBucketEncryption,
  deleteBucketEncryption,
  getBucketPolicy,
  putBucketPolicy,
  deleteBucketPolicy,
  getBucketPolicyStatus,
  getPublicAccessBlock,
  putPublicAccessBlock,
  deletePublicAccessBlock,
  getBucketOwnershipControls,
  putBucketOwnershipControls,
  deleteBucketOwnershipControls,
  getObjectLockConfiguration,
  putObjectLockConfiguration,
  getBucketTagging,
  putBucketTagging,
  deleteBucketTagging,
  listTagsForResource,
  tagResource,
  untagResource,
  getBucketLogging,
  putBucketLogging,
  getBucketCors,
  putBucketCors,
  deleteBucketCors,
  getBucketMetricsConfiguration,
  listBucketMetricsConfigurations,
  putBucketMetricsConfiguration,
  deleteBucketMetricsConfiguration,
  getBucketAccelerateConfiguration,
  putBucketAccelerateConfiguration,
  getBucketRequestPayment,
  putBucketRequestPayment,
  getBucketNotificationConfiguration,
  putBucketNotificationConfiguration,
  getBucketAbac,
  ...unconfiguredOperations,
  listObjects,
  listObjectsV2,
  listObjectVersions,
  deleteObjects,
  putObject,
  updateObjectEncryption,
  postObject,
  copyObject,
  getObject,
  headObject,
  getObjectAttributes,
  getObjectAnnotation,
  listObjectAnnotations,
  getObjectTorrent,
  deleteObject,
  getObjectAcl,
  putObjectAcl,
  getObjectRetention,
  putObjectRetention,
  getObjectLegalHold,
  putObjectLegalHold,
  getObjectTagging,
  putObjectTagging,
  deleteObjectTagging,
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
  completeMultipartUpload,
  abortMultipartUpload,
  listParts,
  listMultipartUploads,
  ...preflights,
  ...refusedOperations,
]
