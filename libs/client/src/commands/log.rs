//! `log`: the log itself, without the mesh.

use std::path::PathBuf;

use serde_json::json;
use tlog::{FsReader, fsck};

use super::{Problem, Result};
use crate::proofs::parse_identity;
use crate::session::EdgeArguments;

#[derive(clap::Args)]
pub struct Log {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Verify a whole log in a directory: every entry, tile and the root, against
    /// its signed checkpoint.
    Verify {
        /// The directory with `checkpoint` and `tile/`.
        directory: PathBuf,
        /// The log's verifier key, `name+hash+key`; default: the one that the
        /// profile has pinned.
        #[arg(long, value_name = "KEY")]
        vkey: Option<String>,
    },
}

impl Log {
    pub fn run(self) -> Result<()> {
        let Action::Verify { directory, vkey } = self.action;
        let pinned = || self.edge.profile().map(|profile| profile.state.log_key);
        let vkey = match vkey {
            Some(vkey) => vkey,
            None => pinned()?.ok_or_else(|| {
                Problem::new("No key of the log is pinned.")
                    .help("Give --vkey; the mesh shows it at /log/vkey.")
            })?,
        };
        let identity = parse_identity(&vkey)?;
        let report = fsck(&FsReader::new(&directory), &identity)
            .map_err(|error| Problem::file(&directory, format_args!("not sound: {error}")))?;
        let head = report.checkpoint.head();
        self.edge.output().object(&json!({
            "log": identity.origin,
            "tree_size": head.size,
            "root": head.root.to_base64(),
            "bundles": report.bundles,
            "tiles": report.tiles,
        }));
        self.edge.output().note("Sound: every entry, every tile, the root and the signature.");
        Ok(())
    }
}
