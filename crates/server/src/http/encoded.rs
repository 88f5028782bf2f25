//! Bodies that are made once and sent many times: kept with their compressed forms, answered with
//! `304` where the caller has them.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use std::io::Write;
use std::sync::OnceLock;

/// Below this, compression costs more than it saves: it fits into one packet anyway.
const WORTH_COMPRESSING_BYTES: usize = 1_200;

/// How hard to press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Made often, sent a few times.
    Quick,
    /// Made once, sent for as long as the process lives.
    Thorough,
}

/// A body with its compressed forms, each made when first asked for.
#[derive(Debug)]
pub struct Encoded {
    content_type: HeaderValue,
    etag: HeaderValue,
    cache: HeaderValue,
    effort: Effort,
    plain: Bytes,
    gzip: OnceLock<Option<Bytes>>,
    brotli: OnceLock<Option<Bytes>>,
}

/// Content codings we have, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `br`
    Brotli,
    /// `gzip`
    Gzip,
    /// As it is.
    Identity,
}

impl Coding {
    /// The best that the caller takes.
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Self {
        let Some(accept) = headers
            .get(ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
        else {
            return Self::Identity;
        };
        let takes = |coding: &str| {
            accept.split(',').any(|one| {
                let mut parts = one.split(';').map(str::trim);
                parts
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(coding))
                    && !parts.any(|weight| {
                        weight
                            .strip_prefix("q=")
                            .is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0))
                    })
            })
        };
        if takes("br") {
            Self::Brotli
        } else if takes("gzip") {
            Self::Gzip
        } else {
            Self::Identity
        }
    }
}

impl Encoded {
    /// Keeps `plain`. `etag` is written between quotation marks; it must change whenever the bytes
    /// do.
    #[must_use]
    pub fn new(
        plain: impl Into<Bytes>,
        content_type: &'static str,
        etag: &str,
        cache: &'static str,
        effort: Effort,
    ) -> Self {
        Self {
            content_type: HeaderValue::from_static(content_type),
            etag: HeaderValue::from_str(&format!("\"{etag}\""))
                .unwrap_or_else(|_| HeaderValue::from_static("\"0\"")),
            cache: HeaderValue::from_static(cache),
            effort,
            plain: plain.into(),
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
        }
    }

    /// Keeps bytes whose compressed forms are there already.
    #[must_use]
    pub fn ready(
        plain: &'static [u8],
        gzip: Option<&'static [u8]>,
        brotli: Option<&'static [u8]>,
        content_type: &'static str,
        etag: &str,
        cache: &'static str,
    ) -> Self {
        let made = Self::new(plain, content_type, etag, cache, Effort::Thorough);
        Self {
            gzip: OnceLock::from(gzip.map(Bytes::from_static)),
            brotli: OnceLock::from(brotli.map(Bytes::from_static)),
            ..made
        }
    }

    /// Makes the tag a weak one: for bodies that differ in what does not matter and share a tag.
    #[must_use]
    pub fn weakly(self) -> Self {
        let weak = self.etag.to_str().map(|etag| format!("W/{etag}"));
        let etag = weak.ok().and_then(|weak| HeaderValue::from_str(&weak).ok());
        Self {
            etag: etag.unwrap_or_else(|| self.etag.clone()),
            ..self
        }
    }

    /// Compresses now, on the thread of the caller: for large bodies, which must not be compressed
    /// on a thread that serves others.
    #[must_use]
    pub fn pressed(self) -> Self {
        let _ = (self.gzip(), self.brotli());
        self
    }

    fn gzip(&self) -> Option<&Bytes> {
        self.gzip
            .get_or_init(|| gzip(&self.plain, self.effort))
            .as_ref()
    }

    fn brotli(&self) -> Option<&Bytes> {
        self.brotli
            .get_or_init(|| brotli(&self.plain, self.effort))
            .as_ref()
    }

    /// The answer to a request with these headers.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, self.cache.clone());
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        if is_known(request, &self.etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        let (coding, body) = match Coding::accepted(request) {
            Coding::Brotli => ("br", self.brotli()),
            Coding::Gzip => ("gzip", self.gzip()),
            Coding::Identity => ("", None),
        };
        let body = match body {
            Some(body) => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
                body
            }
            None => &self.plain,
        };
        *response.body_mut() = Body::from(body.clone());
        response
    }
}

/// Whether `If-None-Match` names `etag` (weakly compared, as RFC 9110 wants it for GET).
#[must_use]
pub fn is_known(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let Ok(etag) = etag.to_str() else {
        return false;
    };
    let etag = etag.strip_prefix("W/").unwrap_or(etag);
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|known| {
            known
                .split(',')
                .map(str::trim)
                .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
        })
}

/// Whether the caller would rather have JSON than the compact bytes.
#[must_use]
pub fn wants_json(request: &HeaderMap) -> bool {
    request
        .get(axum::http::header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

/// `None` where it is not worth it.
fn gzip(plain: &[u8], effort: Effort) -> Option<Bytes> {
    if plain.len() < WORTH_COMPRESSING_BYTES {
        return None;
    }
    let level = match effort {
        Effort::Quick => flate2::Compression::fast(),
        Effort::Thorough => flate2::Compression::best(),
    };
    let mut writer = flate2::write::GzEncoder::new(Vec::with_capacity(plain.len() / 2), level);
    let pressed = writer
        .write_all(plain)
        .and_then(|()| writer.finish())
        .ok()?;
    (pressed.len() < plain.len()).then(|| pressed.into())
}

/// `None` where it is not worth it.
fn brotli(plain: &[u8], effort: Effort) -> Option<Bytes> {
    if plain.len() < WORTH_COMPRESSING_BYTES {
        return None;
    }
    let (quality, window) = match effort {
        Effort::Quick => (2, 18),
        Effort::Thorough => (9, 22),
    };
    let mut pressed = Vec::with_capacity(plain.len() / 2);
    brotli::CompressorWriter::new(&mut pressed, 16 * 1024, quality, window)
        .write_all(plain)
        .ok()?;
    (pressed.len() < plain.len()).then(|| pressed.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use std::io::Read;

    fn request(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn sample() -> Encoded {
        Encoded::new(
            "seat ".repeat(1_000),
            "text/plain",
            "v1",
            "no-cache",
            Effort::Quick,
        )
    }

    async fn body(response: Response<Body>) -> Vec<u8> {
        axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    #[tokio::test]
    async fn every_coding_unpacks_to_the_same_bytes() {
        let sample = sample();
        let plain = body(sample.answer(&request(&[]))).await;
        let packed = body(sample.answer(&request(&[("accept-encoding", "gzip")]))).await;
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*packed)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plain);
        let packed = body(sample.answer(&request(&[("accept-encoding", "gzip, br;q=0.5")]))).await;
        let mut unpacked = Vec::new();
        brotli::Decompressor::new(&*packed, 4096)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plain);
        assert!(packed.len() < 100);
    }

    #[test]
    fn a_coding_of_weight_zero_is_not_accepted() {
        assert_eq!(
            Coding::accepted(&request(&[("accept-encoding", "br;q=0, gzip")])),
            Coding::Gzip
        );
        assert_eq!(
            Coding::accepted(&request(&[("accept-encoding", "deflate")])),
            Coding::Identity
        );
    }

    #[tokio::test]
    async fn who_has_it_already_gets_an_empty_304() {
        for known in ["\"v1\"", "W/\"v1\"", "\"v0\", \"v1\"", "*"] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(known));
            let response = sample().answer(&headers);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert!(body(response).await.is_empty());
        }
        let other = sample().answer(&request(&[("if-none-match", "\"v2\"")]));
        assert_eq!(other.status(), StatusCode::OK);
    }
}
