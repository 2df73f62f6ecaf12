use std::path::Path;

use boot::Settings;
use storage::StorageSettings;

#[test]
fn the_sample_shows_every_key() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.sample.toml");
    config::check_sample::<Settings<StorageSettings>>(&sample).unwrap();
}
