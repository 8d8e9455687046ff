//! A list of readable tokens in one buffer. Does not know what they mean.

/// Bytes of one token that are kept.
const TOKEN_BYTES: usize = 80;

/// Tokens, in order, duplicates included.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    cap: usize,
}

impl Tokens {
    /// An empty list that takes up to `cap` tokens; further ones are dropped.
    pub(crate) fn with_cap(cap: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(4096),
            ends: Vec::with_capacity(256),
            cap,
        }
    }

    /// Adds the token made of `pieces`.
    pub(crate) fn push(&mut self, pieces: &[&[u8]]) {
        if self.ends.len() >= self.cap {
            return;
        }
        let start = self.bytes.len();
        for piece in pieces {
            let room = TOKEN_BYTES - (self.bytes.len() - start);
            self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        self.ends.push(self.bytes.len() as u32);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&end| end as usize));
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.bytes[start..end as usize])
    }
}
