//! Writes `FILE.br` (brotli 11) and `FILE.gz` beside every compressible file of a folder.
//!
//! The server hands out these bytes as they are, so a page costs no compression while tickets go on
//! sale. A compressed form that is not at least 5 % smaller is left out. Started by `cargo xtask
//! web`; a program of its own because its dependencies must not hold up the first `cargo xtask`.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::{Context, Result};

/// Already compressed inside: a second pass only costs time.
const DENSE: [&str; 8] = ["br", "gz", "png", "jpg", "webp", "avif", "woff2", "zip"];

fn main() -> Result<()> {
    let dir = std::env::args_os().nth(1).context("usage: press DIR")?;
    let mut files = Vec::new();
    collect(Path::new(&dir), &mut files)?;
    let queue = Mutex::new(files);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let next = queue.lock().expect("no worker panics with the lock").pop();
                        let Some(file) = next else { return Ok(()) };
                        press(&file).with_context(|| format!("compressing {}", file.display()))?;
                    }
                })
            })
            .collect();
        handles
            .into_iter()
            .try_for_each(|h| h.join().expect("a worker does not panic"))
    })
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if !path
            .extension()
            .is_some_and(|e| DENSE.iter().any(|dense| e == *dense))
        {
            files.push(path);
        }
    }
    Ok(())
}

fn press(file: &Path) -> Result<()> {
    let plain = fs::read(file)?;
    let mut brotli = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut plain.as_slice(), &mut brotli, &params)?;
    keep(file, "br", &plain, &brotli)?;

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&plain)?;
    keep(file, "gz", &plain, &gzip.finish()?)
}

fn keep(file: &Path, suffix: &str, plain: &[u8], pressed: &[u8]) -> Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    if pressed.len() * 20 < plain.len() * 19 {
        fs::write(&name, pressed)?;
    } else if Path::new(&name).exists() {
        fs::remove_file(&name)?;
    }
    Ok(())
}
