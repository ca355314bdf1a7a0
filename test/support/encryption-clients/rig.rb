# frozen_string_literal: true

# Drives the S3 encryption clients of the AWS SDK for Ruby: each line on standard input is a call, answered by a line on
# standard output. What the lines hold is said in ../encryption-clients.ts. The endpoint is the argument; credentials,
# region and CA bundle come from the environment.

require 'aws-sdk-kms'
require 'aws-sdk-s3'
require 'base64'
require 'json'
require 'openssl'

Aws.config.update(endpoint: ARGV.fetch(0), ssl_ca_bundle: ENV.fetch('AWS_CA_BUNDLE'), retry_limit: 0)
S3 = Aws::S3::Client.new(force_path_style: true)
KMS = Aws::KMS::Client.new

# The same options suit both generations, but for the schemas, which V2 alone wants to be told.
def client(call)
  options = { client: S3, envelope_location: call['envelope'].to_sym }
  options[:materials_description] = JSON.generate(call['materialDescription']) if call['materialDescription']
  schema = add_wrapping_key(options, call)
  return Aws::S3::Encryption::Client.new(options) if call['generation'] == 'V1'

  Aws::S3::EncryptionV2::Client.new(
    key_wrap_schema: schema,
    content_encryption_schema: :aes_gcm_no_padding,
    security_profile: call['legacy'] ? :v2_and_legacy : :v2,
    **options
  )
end

def add_wrapping_key(options, call)
  case call['wrap']
  when 'aes'
    options[:encryption_key] = Base64.strict_decode64(call['key'])
    :aes_gcm
  when 'rsa'
    options[:encryption_key] = OpenSSL::PKey::RSA.new(call['key'])
    :rsa_oaep_sha1
  when 'kms'
    # V2 of Debian 12 names the key on Decrypt, which its KMS client, being older, does not let pass.
    any_key = call['operation'] == 'get' && call['generation'] == 'V2'
    options[:kms_key_id] = any_key ? :kms_allow_decrypt_with_any_cmk : call['key']
    options[:kms_client] = KMS
    :kms_context
  else raise ArgumentError, "no such wrap: #{call['wrap']}"
  end
end

def run(call)
  params = { bucket: call['bucket'], key: call['objectKey'] }
  params[:kms_encryption_context] = call['encryptionContext'] if call['encryptionContext']
  case call['operation']
  when 'put'
    client(call).put_object(body: Base64.strict_decode64(call['body']), **params)
    {}
  when 'get'
    { body: Base64.strict_encode64(client(call).get_object(params).body.read) }
  else raise ArgumentError, "no such operation: #{call['operation']}"
  end
end

$stdout.sync = true
$stdin.each_line do |line|
  answer =
    begin
      run(JSON.parse(line))
    rescue StandardError => e
      { error: "#{e.class}: #{e.message}" }
    end
  $stdout.puts(JSON.generate(answer))
end
