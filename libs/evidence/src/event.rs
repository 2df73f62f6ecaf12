//! What is read of `signet.audit.v1.Event`. A few fields and no more: who verifies evidence
//! needs neither the mesh's contract nor what comes with it. A test holds the two together.

/// An event as the log committed to it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Event {
    #[prost(string, tag = "1")]
    pub id: String,
    /// `dev.signet.<service>.<thing>.<happened>`.
    #[prost(string, tag = "2")]
    pub kind: String,
    #[prost(string, tag = "3")]
    pub source: String,
    #[prost(message, optional, tag = "4")]
    pub time: Option<Time>,
    #[prost(string, tag = "5")]
    pub tenant: String,
    #[prost(string, tag = "6")]
    pub actor: String,
    #[prost(string, tag = "7")]
    pub subject: String,
    /// `signet.audit.v1.Outcome`.
    #[prost(int32, tag = "8")]
    pub outcome: i32,
    #[prost(message, repeated, tag = "12")]
    pub attributes: Vec<Attribute>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Time {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Attribute {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

impl Event {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|pair| pair.key == name);
        found.map(|pair| pair.value.as_str())
    }
}
