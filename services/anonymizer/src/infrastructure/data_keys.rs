use async_trait::async_trait;
use datakeys::{Binding, For};
use kernel::Result;
use rpc::Cx;
use zeroize::Zeroizing;

use crate::application::ports::{DataKeys, Key};

pub struct EnvelopeDataKeys(pub datakeys::DataKeys);

pub(super) fn binding(object: &str, id: &str) -> Binding {
    Binding::new([("object", object.to_owned()), ("id", id.to_owned())])
}

#[async_trait]
impl DataKeys for EnvelopeDataKeys {
    async fn generate(&self, cx: &Cx, object: &str, id: &str) -> Result<(Key, Vec<u8>)> {
        let made = self.0.generate_one(For::Call(cx), binding(object, id)).await?;
        Ok((Zeroizing::new(*made.plain.expose()), made.wrapped))
    }

    async fn unwrap(&self, cx: &Cx, wrapped: Vec<u8>, object: &str, id: &str) -> Result<Key> {
        let key = self.0.unwrap_one(For::Call(cx), &wrapped, binding(object, id)).await?;
        Ok(Zeroizing::new(*key.expose()))
    }
}
