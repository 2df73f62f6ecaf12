//! What holds a key or a plaintext cannot be printed: this does not compile if it can.

use std::fmt::{Debug, Display};

/// Implemented once for every type, and once more for those that can be printed; naming it
/// without saying which is then ambiguous, which is an error.
trait Unprintable<Which> {
    fn holds() {}
}

impl<T: ?Sized> Unprintable<()> for T {}
impl<T: ?Sized + Debug> Unprintable<u8> for T {}

trait Undisplayable<Which> {
    fn holds() {}
}

impl<T: ?Sized> Undisplayable<()> for T {}
impl<T: ?Sized + Display> Undisplayable<u8> for T {}

macro_rules! unprintable {
    ($($secret:ty),* $(,)?) => {
        $(
            <$secret as Unprintable<_>>::holds();
            <$secret as Undisplayable<_>>::holds();
        )*
    };
}

const _: fn() = || {
    unprintable!(
        crypto::PrivateKey,
        crypto::PublicKey,
        crypto::envelope::ContentKey,
        crypto::envelope::Content<'static>,
        crypto::envelope::Sealed,
        crypto::envelope::WrappedKeys,
        crypto::field::FieldCipher,
        crypto::jwe::Jwe,
        crypto::nested::VerifiedToken,
        crypto::provider::PrivateParts,
        crypto::provider::RsaParts,
        crypto::stream::Chunk,
        crypto::stream::StreamOpener,
        crypto::stream::StreamSealer,
    );
};
