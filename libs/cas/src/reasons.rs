//! The faults that only a blob store has.

kernel::reasons! {
    BLOB_DAMAGED: DataLoss, "Stored content is damaged.", "Restore the blob store from a backup, or store the content again.";
    BLOB_TOO_LARGE: ResourceExhausted, "The content is larger than allowed.", "Store it in smaller parts; the limits are in docs/configuration.md.";
    BLOB_STORE_MISCONFIGURED: Internal, "The blob store cannot be used as it is configured.", "Ask the operator to read the log of the service: it names the setting or the path.";
}
