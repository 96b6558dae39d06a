//! Encrypted members: PKWARE's first encryption, and AES as WinZip and 7-Zip write it.

use std::io::{self, Read};

use aes::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::directory::ZipMember;
use crate::input::container::ArchiveError;
use crate::input::open::RawBytes;

/// The decrypted bytes of a member.
pub(super) struct Unlocked {
    pub(super) bytes: RawBytes<'static>,
    /// They have a seal of their own instead of a checksum.
    pub(super) is_sealed: bool,
}

/// Decrypts a member; `None` if the password does not fit.
pub(super) fn unlock(
    packed: RawBytes<'static>,
    member: &ZipMember,
    password: &[u8],
) -> io::Result<Option<Unlocked>> {
    /// PKWARE's later encryption, which hardly any tool writes.
    const IS_STRONG: u16 = 1 << 6;
    if let Some(aes) = member.aes {
        let bytes = match aes.strength {
            1 => AesBytes::<ctr::Ctr128LE<aes::Aes128>>::unlock(packed, member, password, 16)?,
            2 => AesBytes::<ctr::Ctr128LE<aes::Aes192>>::unlock(packed, member, password, 24)?,
            3 => AesBytes::<ctr::Ctr128LE<aes::Aes256>>::unlock(packed, member, password, 32)?,
            _ => return Err(ArchiveError::UnknownEncryption.into()),
        };
        return Ok(bytes.map(|bytes| Unlocked { bytes, is_sealed: true }));
    }
    if member.flags & IS_STRONG != 0 {
        return Err(ArchiveError::UnknownEncryption.into());
    }
    let bytes = OldBytes::unlock(packed, member, password)?;
    Ok(bytes.map(|bytes| Unlocked { bytes: Box::new(bytes), is_sealed: false }))
}

/// PKWARE's first encryption (APPNOTE.TXT 6.1): three keys that each byte stirs.
struct OldBytes {
    bytes: RawBytes<'static>,
    keys: OldKeys,
}

struct OldKeys([u32; 3]);

impl OldKeys {
    fn of(password: &[u8]) -> Self {
        let mut keys = Self([0x1234_5678, 0x2345_6789, 0x3456_7890]);
        password.iter().for_each(|byte| keys.stir(*byte));
        keys
    }

    fn stir(&mut self, byte: u8) {
        let Self([first, second, third]) = self;
        *first = crc32_step(*first, byte);
        *second = second.wrapping_add(*first & 0xFF).wrapping_mul(134_775_813).wrapping_add(1);
        *third = crc32_step(*third, (*second >> 24) as u8);
    }

    fn decrypt(&mut self, byte: &mut u8) {
        let mix = (self.0[2] | 2) & 0xFFFF;
        *byte ^= (mix.wrapping_mul(mix ^ 1) >> 8) as u8;
        self.stir(*byte);
    }
}

/// One byte more in a CRC-32 without its inversions.
fn crc32_step(crc: u32, byte: u8) -> u32 {
    const TABLE: [u32; 256] = crc32_table();
    (crc >> 8) ^ TABLE[((crc ^ u32::from(byte)) & 0xFF) as usize]
}

const fn crc32_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

impl OldBytes {
    fn unlock(
        mut packed: RawBytes<'static>,
        member: &ZipMember,
        password: &[u8],
    ) -> io::Result<Option<Self>> {
        /// The checksum was not known yet when the member was begun.
        const CRC_IS_BEHIND: u16 = 1 << 3;
        let mut header = [0; 12];
        packed.read_exact(&mut header)?;
        let mut keys = OldKeys::of(password);
        header.iter_mut().for_each(|byte| keys.decrypt(byte));
        let by_crc = (member.crc32 >> 24) as u8;
        let by_time = (member.modified_time >> 8) as u8;
        let fits =
            header[11] == by_crc || (member.flags & CRC_IS_BEHIND != 0 && header[11] == by_time);
        Ok(fits.then_some(Self { bytes: packed, keys }))
    }
}

impl Read for OldBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        buffer[..count].iter_mut().for_each(|byte| self.keys.decrypt(byte));
        Ok(count)
    }
}

/// AES in counter mode, with a seal behind the last byte.
struct AesBytes<C> {
    bytes: RawBytes<'static>,
    left: u64,
    cipher: C,
    /// Taken when it was compared.
    seal: Option<Hmac<Sha1>>,
}

const AES_ROUNDS: u32 = 1000;
const SEAL_BYTES: usize = 10;
const CHECK_BYTES: usize = 2;

impl<C: StreamCipher + KeyIvInit + Send + 'static> AesBytes<C> {
    fn unlock(
        mut packed: RawBytes<'static>,
        member: &ZipMember,
        password: &[u8],
        key_bytes: usize,
    ) -> io::Result<Option<RawBytes<'static>>> {
        const SHORT: ArchiveError = ArchiveError::Damaged("an encrypted member is too short");
        let salt_bytes = key_bytes / 2;
        let around = (salt_bytes + CHECK_BYTES + SEAL_BYTES) as u64;
        let left = member.packed_bytes.checked_sub(around).ok_or(SHORT)?;
        let mut salt = vec![0; salt_bytes];
        packed.read_exact(&mut salt)?;
        let mut check = [0; CHECK_BYTES];
        packed.read_exact(&mut check)?;
        let mut keys = vec![0; 2 * key_bytes + CHECK_BYTES];
        pbkdf2::pbkdf2_hmac::<Sha1>(password, &salt, AES_ROUNDS, &mut keys);
        let (cipher_key, rest) = keys.split_at(key_bytes);
        let (seal_key, wanted) = rest.split_at(key_bytes);
        if wanted != check {
            return Ok(None);
        }
        // The counter begins at one.
        let mut counter = [0; 16];
        counter[0] = 1;
        let cipher = C::new_from_slices(cipher_key, &counter).map_err(io::Error::other)?;
        let seal = Hmac::<Sha1>::new_from_slice(seal_key).map_err(io::Error::other)?;
        Ok(Some(Box::new(Self { bytes: packed, left, cipher, seal: Some(seal) })))
    }
}

impl<C: StreamCipher> Read for AesBytes<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.bytes.read(&mut buffer[..wanted])?;
        self.left -= count as u64;
        if let Some(seal) = &mut self.seal {
            seal.update(&buffer[..count]);
        }
        self.cipher.apply_keystream(&mut buffer[..count]);
        if self.left == 0
            && let Some(seal) = self.seal.take()
        {
            let mut wanted = [0; SEAL_BYTES];
            self.bytes.read_exact(&mut wanted)?;
            seal.verify_truncated_left(&wanted).map_err(|_| {
                ArchiveError::Damaged("an encrypted member was changed after it was sealed")
            })?;
        }
        Ok(count)
    }
}
