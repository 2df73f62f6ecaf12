//! An event that a service has sent, checked.

use kernel::{EventId, Fault, Result, TenantId};
use prost::Message as _;
use proto::Caller;
use proto::audit::v1::{Event, Outcome};
use rpc::parse;

/// Most bytes of an encoded event: far above any honest one.
const LARGEST: usize = 16 * 1024;

/// An event fit to be stored.
pub struct Accepted {
    pub id: EventId,
    pub tenant: TenantId,
    pub kind: String,
    pub subject: String,
    pub request_id: String,
    /// Exactly what the log commits to.
    pub encoded: Vec<u8>,
}

impl Accepted {
    /// Checks an event from a service; it may speak only for itself.
    pub fn check(event: &Event, caller: Caller, field: &str) -> Result<Self> {
        let at = |name: &str| format!("{field}.{name}");
        let id = event.id.parse().map_err(|_| Fault::invalid(at("id"), "must be a UUID"))?;
        if event.source != caller.name() {
            return Err(Fault::invalid(at("source"), "must be the calling service"));
        }
        let own = format!("dev.signet.{}.", event.source);
        let legal = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'_'
        };
        if !event.r#type.starts_with(&own)
            || event.r#type.len() > 128
            || !event.r#type.bytes().all(legal)
        {
            return Err(Fault::invalid(at("type"), format!("must be {own}<thing>.<happened>")));
        }
        if event.time.is_none() {
            return Err(Fault::invalid(at("time"), "is required"));
        }
        let tenant = parse::resource(&at("tenant"), "tenants", &event.tenant)?;
        if event.outcome() == Outcome::Unspecified {
            return Err(Fault::invalid(at("outcome"), "is required"));
        }
        parse::text(&at("actor"), &event.actor, 1, 128)?;
        for (name, value, most) in [
            ("subject", &event.subject, 256),
            ("request_id", &event.request_id, 64),
            ("trace_id", &event.trace_id, 32),
            ("reason", &event.reason, 64),
        ] {
            parse::text(&at(name), value, 0, most)?;
        }
        parse::pairs(&at("attributes"), &event.attributes, 32)?;
        let encoded = event.encode_to_vec();
        parse::within(&at("size"), encoded.len(), 1, LARGEST, "bytes")?;
        Ok(Self {
            id,
            tenant,
            kind: event.r#type.clone(),
            subject: event.subject.clone(),
            request_id: event.request_id.clone(),
            encoded,
        })
    }
}

/// An event as the log holds it.
#[derive(Clone)]
pub struct Stored {
    pub id: EventId,
    pub index: i64,
    pub encoded: Vec<u8>,
    pub salt: Vec<u8>,
}

impl Stored {
    pub fn event(&self) -> Result<Event> {
        Event::decode(self.encoded.as_slice()).map_err(Fault::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            id: EventId::new().to_string(),
            r#type: "dev.signet.storage.prompt.created".into(),
            source: "storage".into(),
            time: Some(prost_types::Timestamp::default()),
            tenant: format!("tenants/{}", TenantId::new()),
            actor: "users/x".into(),
            outcome: Outcome::Success.into(),
            ..Event::default()
        }
    }

    fn refused(change: impl FnOnce(&mut Event)) -> String {
        let mut changed = event();
        change(&mut changed);
        match Accepted::check(&changed, Caller::Storage, "events[0]") {
            Ok(_) => String::new(),
            Err(fault) => fault.violations()[0].field.clone(),
        }
    }

    #[test]
    fn a_service_speaks_only_for_itself() {
        assert!(Accepted::check(&event(), Caller::Storage, "e").is_ok());
        assert!(Accepted::check(&event(), Caller::Auth, "e").is_err());
        assert_eq!(
            refused(|event| event.r#type = "dev.signet.auth.login".into()),
            "events[0].type"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(refused(|event| event.id = "1".into()), "events[0].id");
        assert_eq!(refused(|event| event.tenant = "x".into()), "events[0].tenant");
        assert_eq!(refused(|event| event.time = None), "events[0].time");
        assert_eq!(refused(|event| event.outcome = 0), "events[0].outcome");
        assert_eq!(refused(|event| event.outcome = 77), "events[0].outcome");
        assert_eq!(refused(|event| event.actor.clear()), "events[0].actor");
        assert_eq!(refused(|event| event.subject = "x".repeat(257)), "events[0].subject");
    }
}
