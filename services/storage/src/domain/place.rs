//! The identity of one stored text.

use cas::{Address, BlobName};
use kernel::{PromptId, TenantId};

/// Which text of whom, and in which blob. Its data key and its ciphertext are
/// bound to all of it, so neither is of use anywhere else.
#[derive(Clone, Copy)]
pub struct Place {
    pub tenant: TenantId,
    pub prompt: PromptId,
    pub revision: i32,
    pub address: Address,
}

impl Place {
    pub fn blob(&self) -> BlobName {
        BlobName::new(self.tenant, self.address)
    }

    /// What the ciphertext is bound to. Each part has a fixed length.
    pub fn identity(&self) -> Vec<u8> {
        [
            b"signet.dev/v1/prompt\0".as_slice(),
            self.tenant.uuid().as_bytes(),
            self.prompt.uuid().as_bytes(),
            &self.revision.to_be_bytes(),
            self.address.as_bytes(),
        ]
        .concat()
    }

    /// What the data key is bound to; the envelope service adds tenant and service.
    pub fn key_context(&self) -> [(&'static str, String); 2] {
        [("object", format!("prompts/{}", self.prompt)), ("revision", self.revision.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let place = Place {
            tenant: TenantId::new(),
            prompt: PromptId::new(),
            revision: 1,
            address: Address::from_bytes([7; 32]),
        };
        let others = [
            Place { tenant: TenantId::new(), ..place },
            Place { prompt: PromptId::new(), ..place },
            Place { revision: 2, ..place },
            Place { address: Address::from_bytes([8; 32]), ..place },
        ];
        for other in others {
            assert_ne!(other.identity(), place.identity());
        }
    }
}
