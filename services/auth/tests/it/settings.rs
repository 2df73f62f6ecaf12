//! The configuration that we ship is right, and names every key.

use std::path::Path;

#[test]
fn the_sample_is_complete() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.sample.toml");
    config::check_sample::<boot::Settings<auth::AuthSettings>>(&sample).unwrap();
}
