mock_provider "aws" {
  mock_data "aws_secretsmanager_random_password" {
    defaults = { random_password = "mZ4kP0" }
  }
}

override_module {
  target  = module.key
  outputs = { arn = "arn:aws:kms:eu-central-1:123456789012:key/own" }
}

variables {
  name          = "events"
  cache_address = "cache.internal"
  database      = { address = "db.internal", name = "eventflow", username = "eventflow", connections_per_pool = 25 }
}

run "urls_verify_who_answers" {
  command = apply

  assert {
    condition = nonsensitive(aws_secretsmanager_secret_version.store.secret_string) == join("", [
      "postgres://eventflow:mZ4kP0@db.internal:5432/eventflow?sslmode=verify-full&sslrootcert=/run/database-ca/ca.pem&pool_max_conns=25",
    ])
    error_message = "The URL of PostgreSQL: ${nonsensitive(aws_secretsmanager_secret_version.store.secret_string)}"
  }
  assert {
    condition     = nonsensitive(aws_secretsmanager_secret_version.redis.secret_string) == "rediss://:mZ4kP0@cache.internal:6379/0"
    error_message = "The URL of the cache is not TLS with a password."
  }
}

run "secrets_are_long_and_under_the_key" {
  command = apply

  assert {
    condition     = alltrue([for password in data.aws_secretsmanager_random_password.this : password.password_length >= 40 && password.exclude_punctuation])
    error_message = "A secret is short, or has what must be encoded in a URL."
  }
  assert {
    condition = alltrue([
      for secret in concat(values(aws_secretsmanager_secret.generated), values(aws_secretsmanager_secret.url)) :
      secret.kms_key_id == module.key.arn && secret.recovery_window_in_days >= 7
    ])
    error_message = "A secret is not under the own key, or is gone at once when it is deleted."
  }
  assert {
    condition     = toset(keys(output.arns)) == toset(["EVENTFLOW_SECRET", "EVENTFLOW_STORE", "EVENTFLOW_REDIS"])
    error_message = "The server is not given its three secrets."
  }
}
