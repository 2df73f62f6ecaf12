//! Domain types as messages.

use kernel::{Fault, Result, Timestamp};
use proto::common::v1::KeyValue;
use proto::storage::v1 as pb;

use crate::domain::{Prompt, Revision, Text};

pub(super) fn prompt(prompt: &Prompt, text: Option<&Text>) -> pb::Prompt {
    let labels = prompt.facts.labels.iter();
    pb::Prompt {
        name: prompt.name(),
        display_name: prompt.facts.display_name.clone(),
        text: text.map(|text| text.expose().to_owned()).unwrap_or_default(),
        revision: prompt.revision,
        etag: prompt.etag(),
        labels: labels
            .map(|(key, value)| KeyValue { key: key.clone(), value: value.clone() })
            .collect(),
        create_time: Some(time(prompt.created)),
        update_time: Some(time(prompt.updated)),
        size_bytes: prompt.size,
    }
}

pub(super) fn revision(revision: &Revision) -> pb::PromptRevision {
    pb::PromptRevision {
        revision: revision.number,
        create_time: Some(time(revision.created)),
        author: format!("users/{}", revision.author),
        size_bytes: revision.size,
    }
}

/// 0 is the newest.
pub(super) fn number(revision: i32) -> Result<Option<i32>> {
    match revision {
        0 => Ok(None),
        1.. => Ok(Some(revision)),
        _ => Err(Fault::invalid("revision", "must not be negative")),
    }
}

fn time(at: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}
