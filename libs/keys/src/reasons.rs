//! The faults that only a key provider has.

kernel::reasons! {
    DATA_KEY_UNREADABLE: DataLoss, "The data key cannot be unwrapped.", "It was wrapped for another object or tenant, or has been altered; restore the record from a backup.";
    KEK_VERSION_UNAVAILABLE: FailedPrecondition, "The key version that wrapped this data key is not available.", "It was destroyed, or retired before everything under it had been rewrapped; an operator can bring it back only if it still exists.";
    KEK_VERSION_NOT_DESTROYABLE: FailedPrecondition, "The key version cannot be destroyed.", "The newest version stays, since it wraps; rotate first, move everything to the new version, and destroy the versions below it.";
    KMS_OPERATION_UNSUPPORTED: FailedPrecondition, "The key service cannot do this.", "Its provider has no such operation; docs/keys.md says what each can do.";
    KMS_UNAVAILABLE: Unavailable, "The key service is not available.", "Retry after a pause, with backoff.";
    KMS_DENIED: Unavailable, "The key service refuses this service's credential.", "Ask the operator to check the token or AppRole and its policy; retry afterwards.";
    KMS_MISCONFIGURED: Internal, "The key service cannot be used as it is configured.", "Ask the operator to read the log of the service: it names the setting or the file.";
}
