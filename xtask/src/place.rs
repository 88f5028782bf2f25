//! Where things are: the workspace, its `target` folder and the cache outside the clone.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result};

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("xtask lies one folder below the root")
            .to_path_buf()
    })
}

/// Cargo's target folder, which `CARGO_TARGET_DIR` may have moved.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The folder that the server embeds: the finished web app.
pub(crate) fn web_dist() -> PathBuf {
    target().join("web")
}

/// Tells the server's build script where the app is. Only where that is not where it looks anyway:
/// a variable that is there in one build and not in the next would rebuild the server each time.
pub(crate) fn point_at_web_dist(build: &mut Command) {
    if target() != root().join("target") {
        let _ = fs::create_dir_all(web_dist());
        build.env("ONSALE_WEB_DIST", web_dist());
    }
}

/// Logs of long steps.
pub(crate) fn logs() -> PathBuf {
    target().join("xtask/log")
}

/// Tools that are dear to build and equal for every clone. Losing it costs time, never correctness.
pub(crate) fn cache() -> Result<PathBuf> {
    let dir = env::var_os("ONSALE_CACHE")
        .map(PathBuf::from)
        .or_else(|| env::var_os("XDG_CACHE_HOME").map(|x| Path::new(&x).join("onsale")))
        .or_else(|| env::var_os("HOME").map(|h| Path::new(&h).join(".cache/onsale")))
        .context("no place for the cache: set ONSALE_CACHE to a folder")?;
    fs::create_dir_all(&dir).with_context(|| {
        format!(
            "cannot create the cache {}: set ONSALE_CACHE to a folder you may write",
            dir.display()
        )
    })?;
    dir.canonicalize()
        .with_context(|| format!("reading {}", dir.display()))
}

/// The path as a person would type it: relative to the workspace where it is inside.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
