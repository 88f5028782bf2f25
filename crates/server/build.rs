//! Embeds the built web app, so that the program is one file.
//!
//! Takes it from `$ONSALE_WEB_DIST`, else from `target/web` of the workspace, where
//! `cargo xtask web` puts it with a `.br` and a `.gz` beside each file that is worth it. Where there
//! is none the program is built without it and says so in place of the pages.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=ONSALE_WEB_DIST");
    // `sqlx::migrate!` reads them at compile time.
    println!("cargo::rerun-if-changed=migrations");
    let dist = dist()?;
    println!("cargo::rerun-if-changed={}", dist.display());

    // Copied, because another build may put a newer app in its place before this one is compiled.
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let kept = out.join("web");
    if copied(&dist, &kept).is_err() {
        // That was just happening.
        copied(&dist, &kept)?;
    }

    let mut files = Vec::new();
    collect(&kept, &kept, &mut files)?;
    files.sort();
    let mut table = String::from("pub(super) static FILES: &[EmbeddedFile] = &[\n");
    for name in &files {
        writeln!(
            table,
            "    EmbeddedFile {{ path: {:?}, plain: {}, gzip: {}, brotli: {} }},",
            name.replace('\\', "/"),
            include(&kept.join(name)),
            pressed(&kept, name, "gz"),
            pressed(&kept, name, "br"),
        )?;
    }
    table.push_str("];\n");
    fs::write(out.join("web_files.rs"), table)?;
    Ok(())
}

/// Where the built app is. A folder that cargo can watch must exist, so the usual one is made.
fn dist() -> Result<PathBuf, Box<dyn Error>> {
    if let Some(named) = std::env::var_os("ONSALE_WEB_DIST") {
        return Ok(fs::canonicalize(&named)
            .map_err(|error| format!("ONSALE_WEB_DIST is {}: {error}", named.display()))?);
    }
    let usual = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../target/web");
    fs::create_dir_all(&usual)?;
    Ok(usual.canonicalize()?)
}

fn copied(dist: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    copy(dist, to)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn include(file: &Path) -> String {
    format!(
        "include_bytes!({:?}).as_slice()",
        file.display().to_string()
    )
}

fn pressed(dist: &Path, name: &str, suffix: &str) -> String {
    let file = dist.join(format!("{name}.{suffix}"));
    if file.is_file() {
        format!("Some({})", include(&file))
    } else {
        "None".to_owned()
    }
}

/// Every file that is not the compressed form of another.
fn collect(root: &Path, folder: &Path, into: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, into)?;
            continue;
        }
        let is_pressed = path
            .extension()
            .is_some_and(|suffix| suffix == "br" || suffix == "gz")
            && path.with_extension("").is_file();
        if !is_pressed {
            into.push(path.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
