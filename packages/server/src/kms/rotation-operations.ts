/** The KMS operations on the rotation of keys, as rows. */
import { Fault } from '../core/fault.ts'
import { materialId } from '../keys/key-material.ts'
import { requireRotatable, requireSchedulable, rotationSchedule } from '../keys/key-rotation.ts'
import type { Kms } from '../keys/kms.ts'
import type { ImportedMaterial, KmsKey } from '../keys/kms-records.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { readMarker, truncation } from './paging.ts'

export const ROTATION_OPERATIONS = {
  EnableKeyRotation: {
    readOnly: false,
    async run(kms, call, input) {
      const keyId = input.keyId()
      await kms.keys.enableRotation(call, keyId, input.optionalNumber('RotationPeriodInDays', 90, 2560))
      return {}
    },
  },
  DisableKeyRotation: {
    readOnly: false,
    run: (kms, call, input) => kms.keys.disableRotation(call, input.keyId()).then(() => ({})),
  },
  GetKeyRotationStatus: {
    readOnly: true,
    async run(kms, call, input) {
      const key = await kms.keys.describeKey(call, input.keyId(), 'kms:GetKeyRotationStatus')
      requireSchedulable(key)
      // A key that waits for its end has none; a cancelled deletion gives it back.
      const schedule = key.state === 'PendingDeletion' ? undefined : rotationSchedule(key)
      return {
        KeyId: key.arn,
        KeyRotationEnabled: schedule !== undefined,
        ...(schedule && { RotationPeriodInDays: schedule.periodDays, NextRotationDate: schedule.nextAtMs / 1000 }),
      }
    },
  },
  RotateKeyOnDemand: {
    readOnly: false,
    run: async (kms, call, input) => ({ KeyId: (await kms.keys.rotateOnDemand(call, input.keyId())).keyId }),
  },
  ListKeyRotations: {
    readOnly: true,
    async run(kms, call, input) {
      const limit = input.optionalNumber('Limit', 1, 1000) ?? 100
      const after = readMarker(input)
      const included = input.choice('IncludeKeyMaterial', ['ALL_KEY_MATERIAL', 'ROTATIONS_ONLY'] as const)
      const key = await kms.keys.describeKey(call, input.keyId(), 'kms:ListKeyRotations')
      requireRotatable(key)
      const isReady = await kms.multiRegion.isPendingEverywhere(key)
      const first = included === 'ALL_KEY_MATERIAL' ? 1 : 2
      if (after !== undefined && !/^[1-9]\d{0,9}$/.test(after)) throw new Fault('KmsMarkerInvalid', {})
      const from = after === undefined ? first : Number(after) + 1
      const pending = included === 'ALL_KEY_MATERIAL' && key.imported?.pending ? 1 : 0
      const last = key.material.length + pending
      const to = Math.min(from + limit - 1, last)
      const versions = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
      return {
        Rotations: versions.map((version) => listed(key, version, isReady)),
        ...truncation(to < last, String(to)),
      }
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

/** One material of a key; pending material is the version after its newest, and ready once each key of the set has it. */
function listed(key: KmsKey, version: number, isReady: boolean): Record<string, unknown> {
  const newest = key.material.length
  const imported = key.imported?.versions[version - 1] ?? key.imported?.pending
  // The first material came with the key, by no rotation.
  const rotation = key.rotations?.[version - 2]
  return {
    KeyId: key.keyId,
    KeyMaterialId: imported?.id ?? materialId(key, version),
    KeyMaterialState:
      version > newest
        ? isReady
          ? 'PENDING_ROTATION'
          : 'PENDING_MULTI_REGION_IMPORT_AND_ROTATION'
        : version === newest
          ? 'CURRENT'
          : 'NON_CURRENT',
    ...(imported && importFacts(imported, key.material[version - 1] ?? key.imported?.pending?.wrapped)),
    ...(rotation && { RotationDate: rotation.atMs / 1000, RotationType: rotation.type }),
  }
}

function importFacts({ description, validToMs }: ImportedMaterial, wrapped: string | undefined) {
  return {
    ...(description !== undefined && { KeyMaterialDescription: description }),
    ImportState: wrapped ? 'IMPORTED' : 'PENDING_IMPORT',
    ...(wrapped && { ExpirationModel: validToMs ? 'KEY_MATERIAL_EXPIRES' : 'KEY_MATERIAL_DOES_NOT_EXPIRE' }),
    ...(validToMs !== undefined && { ValidTo: validToMs / 1000 }),
  }
}
