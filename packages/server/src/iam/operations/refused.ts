/** What AWS's IAM has and this server does not: refused by name. */
const NAMES = [
  ...['AcceptDelegationRequest', 'AssociateDelegationRequest', 'CreateDelegationRequest', 'GetDelegationRequest'],
  ...['ListDelegationRequests', 'RejectDelegationRequest', 'SendDelegationToken', 'UpdateDelegationRequest'],
  ...['ChangePassword', 'CreateLoginProfile', 'DeleteLoginProfile', 'GetLoginProfile', 'UpdateLoginProfile'],
  ...['DeleteAccountPasswordPolicy', 'GetAccountPasswordPolicy', 'UpdateAccountPasswordPolicy'],
  ...['CreateInstanceProfile', 'DeleteInstanceProfile', 'GetInstanceProfile', 'ListInstanceProfiles'],
  ...['ListInstanceProfilesForRole', 'AddRoleToInstanceProfile', 'RemoveRoleFromInstanceProfile'],
  ...['ListInstanceProfileTags', 'TagInstanceProfile', 'UntagInstanceProfile'],
  ...['CreateSAMLProvider', 'DeleteSAMLProvider', 'GetSAMLProvider', 'ListSAMLProviders', 'UpdateSAMLProvider'],
  ...['ListSAMLProviderTags', 'TagSAMLProvider', 'UntagSAMLProvider'],
  ...['CreateServiceLinkedRole', 'DeleteServiceLinkedRole', 'GetServiceLinkedRoleDeletionStatus'],
  ...['CreateServiceSpecificCredential', 'DeleteServiceSpecificCredential', 'ListServiceSpecificCredentials'],
  ...['ResetServiceSpecificCredential', 'UpdateServiceSpecificCredential'],
  ...['CreateVirtualMFADevice', 'DeleteVirtualMFADevice', 'ListVirtualMFADevices', 'EnableMFADevice', 'GetMFADevice'],
  ...[
    'DeactivateMFADevice',
    'ListMFADevices',
    'ResyncMFADevice',
    'ListMFADeviceTags',
    'TagMFADevice',
    'UntagMFADevice',
  ],
  ...['DeleteSSHPublicKey', 'GetSSHPublicKey', 'ListSSHPublicKeys', 'UpdateSSHPublicKey', 'UploadSSHPublicKey'],
  ...['DeleteServerCertificate', 'GetServerCertificate', 'ListServerCertificates', 'UpdateServerCertificate'],
  ...['UploadServerCertificate', 'ListServerCertificateTags', 'TagServerCertificate', 'UntagServerCertificate'],
  ...['DeleteSigningCertificate', 'ListSigningCertificates', 'UpdateSigningCertificate', 'UploadSigningCertificate'],
  ...['GenerateCredentialReport', 'GetCredentialReport', 'GenerateOrganizationsAccessReport'],
  ...['GetOrganizationsAccessReport', 'GenerateServiceLastAccessedDetails', 'GetServiceLastAccessedDetails'],
  ...['GetServiceLastAccessedDetailsWithEntities', 'ListPoliciesGrantingServiceAccess', 'GetHumanReadableSummary'],
  ...['DisableOrganizationsRootCredentialsManagement', 'EnableOrganizationsRootCredentialsManagement'],
  ...['DisableOrganizationsRootSessions', 'EnableOrganizationsRootSessions', 'ListOrganizationsFeatures'],
  ...['DisableOutboundWebIdentityFederation', 'EnableOutboundWebIdentityFederation'],
  ...['GetOutboundWebIdentityFederationInfo', 'SetSecurityTokenServicePreferences'],
]

export const REFUSED_OPERATIONS = Object.fromEntries(
  NAMES.map((name) => [name, { readOnly: /^(Get|List)/.test(name) }]),
)
