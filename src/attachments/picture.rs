//! The codes on a picture, turned, skewed and blurred as telephones take them.
//!
//! QR and DataMatrix codes are looked for in the whole picture at several sizes. Bar codes are looked
//! for where the picture has stripes, along the stripes' own direction.

mod bars;
mod stripes;

use std::collections::HashSet;
use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageError, ImageReader, Limits};
use rxing::{BarcodeFormat, DecodeHints, RXingResult};

use crate::desk::attachment::{Code, Contents, Problem};

/// The largest picture that is unpacked, in pixels: telephones take 50 million and fewer.
pub(super) const MOST_PIXELS: u64 = 52_000_000;

/// The longest side that is searched at full size, in pixels; larger pictures are made smaller.
const LONGEST_SIDE: u32 = 4_096;

/// The longest sides at which codes of dots are looked for. A small code needs many pixels, a blurred
/// one few.
const SIDES_FOR_DOTS: [u32; 2] = [1_000, 2_000];

/// The longest side of a picture that is enlarged where nothing was found.
const LARGEST_ENLARGED: u32 = 1_300;

/// Finds the codes.
pub(super) fn read(bytes: &[u8]) -> Contents {
    match unpack(bytes) {
        Ok(picture) => Contents { codes: codes(&picture), ..Contents::default() },
        Err(problem) => Contents::unread(problem),
    }
}

/// The picture in grey.
fn unpack(bytes: &[u8]) -> Result<GrayImage, Problem> {
    let reader = || ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let size = reader().map_err(|_| Problem::Broken)?.into_dimensions().map_err(why)?;
    if u64::from(size.0) * u64::from(size.1) > MOST_PIXELS {
        return Err(Problem::TooManyPixels);
    }
    let mut reader = reader().map_err(|_| Problem::Broken)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_PIXELS * 8);
    reader.limits(limits);
    let picture = reader.decode().map_err(why)?;
    Ok(within(&DynamicImage::ImageLuma8(picture.into_luma8()), LONGEST_SIDE).into_luma8())
}

fn why(error: ImageError) -> Problem {
    if matches!(error, ImageError::Limits(_)) { Problem::TooMuchMemory } else { Problem::Broken }
}

/// The picture, made smaller where a side is longer than this.
fn within(picture: &DynamicImage, side: u32) -> DynamicImage {
    if picture.width().max(picture.height()) <= side { picture.clone() } else { picture.thumbnail(side, side) }
}

/// Finds the codes on a picture in grey.
pub(super) fn codes(picture: &GrayImage) -> Vec<Code> {
    let mut found = Vec::new();
    let whole = DynamicImage::ImageLuma8(picture.clone());
    let longest = picture.width().max(picture.height());
    let mut before = 0;
    for side in SIDES_FOR_DOTS {
        // Where the picture is no larger than at the last size, there is nothing new to see.
        if before < longest {
            add(&mut found, dots(&within(&whole, side)));
        }
        before = side;
    }
    add(&mut found, stripes::read(picture));
    if found.is_empty() {
        add(&mut found, stripes::read(&image::imageops::rotate180(picture)));
    }
    if found.is_empty() {
        for enlarged in enlarged(&within(&whole, LARGEST_ENLARGED)) {
            add(&mut found, dots(&enlarged));
            if !found.is_empty() {
                break;
            }
        }
    }
    found
}

/// Twice as large, and sharper: what is small or out of focus.
fn enlarged(picture: &DynamicImage) -> impl Iterator<Item = DynamicImage> {
    let large = picture.resize(picture.width() * 2, picture.height() * 2, image::imageops::FilterType::CatmullRom);
    [0.0, 3.0, 6.0].into_iter().map(move |sigma| if sigma == 0.0 { large.clone() } else { large.unsharpen(sigma, 0) })
}

/// QR and DataMatrix codes.
fn dots(picture: &DynamicImage) -> Vec<Code> {
    let formats = HashSet::from([BarcodeFormat::QR_CODE, BarcodeFormat::DATA_MATRIX]);
    let mut hints = DecodeHints { PossibleFormats: Some(formats), TryHarder: Some(true), ..DecodeHints::default() };
    let (width, height, luma) = (picture.width(), picture.height(), picture.to_luma8().into_raw());
    let found = rxing::helpers::detect_multiple_in_luma_with_hints(luma, width, height, &mut hints);
    found.unwrap_or_default().iter().filter_map(code).collect()
}

fn code(result: &RXingResult) -> Option<Code> {
    let symbology = match result.getBarcodeFormat() {
        BarcodeFormat::CODE_39 => "code-39",
        BarcodeFormat::CODE_93 => "code-93",
        BarcodeFormat::CODE_128 => "code-128",
        BarcodeFormat::DATA_MATRIX => "data-matrix",
        BarcodeFormat::QR_CODE => "qr-code",
        _ => return None,
    };
    let text = result.getText().trim();
    (!text.is_empty()).then(|| Code { symbology: symbology.to_string(), text: text.to_string() })
}

fn add(found: &mut Vec<Code>, more: Vec<Code>) {
    for code in more {
        if !found.contains(&code) {
            found.push(code);
        }
    }
}
