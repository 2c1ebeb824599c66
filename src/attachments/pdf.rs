//! The text of a PDF document, as it stands on the pages: glyphs are put into lines by their place. Also
//! the codes on its pictures: what a telephone scans often comes as a document.

use std::cmp::Ordering::Equal;
use std::collections::HashSet;

use hayro_interpret::font::{self, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::{LoadPdfError, Pdf};
use hayro_interpret::kurbo::{BezPath, Rect};
use hayro_interpret::{
    BlendMode, CacheKey, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageData, ImageDrawProps,
    InterpreterCache, InterpreterSettings, LumaData, RgbData, SoftMask, TransformExt, interpret_page,
};
use image::{DynamicImage, GrayImage, RgbImage};

use super::picture;
use crate::desk::attachment::{Code, Contents, Problem};

/// Pages read: what a number of a device stands on is among the first.
const MOST_PAGES: usize = 100;

/// Glyphs of one page; a page full of small print has some 10,000.
const MOST_GLYPHS: usize = 200_000;

/// Text taken, in bytes, before the rest is left out.
const MOST_TEXT: usize = 2 << 20;

/// Pictures of a document that are searched for codes.
const MOST_PICTURES: usize = 10;

/// A picture with a code on it has no side shorter than this, in pixels.
const SMALLEST_PICTURE: u32 = 60;

/// The unit of glyphs, a thousandth of the font's size (ISO 32000-1, 9.2.4).
const UNITS_OF_EM: f64 = 1_000.0;

/// Two glyphs stand on one line where their feet are nearer than this share of their height.
const LINE: f64 = 0.4;

/// A gap wider than this share of the height parts words. A blank has a quarter to a third.
const WORD_GAP: f64 = 0.17;

/// A gap wider than this share of the height parts the cells of a table.
const CELL_GAP: f64 = 0.9;

/// Reads the pages.
pub(super) fn read(bytes: Vec<u8>) -> Contents {
    let pdf = match Pdf::new(bytes) {
        Ok(pdf) => pdf,
        Err(LoadPdfError::Decryption(_)) => return Contents::unread(Problem::Password),
        Err(LoadPdfError::Invalid) => return Contents::unread(Problem::Broken),
    };
    if pdf.pages().is_empty() {
        return Contents::unread(Problem::Broken);
    }
    let mut contents = Contents::default();
    let cache = InterpreterCache::new();
    let mut glyphs = 0;
    let mut sheet = Sheet::default();
    for (at, page) in pdf.pages().iter().enumerate() {
        if at == MOST_PAGES || contents.text.len() > MOST_TEXT {
            contents.problem = Some(Problem::Cut);
            break;
        }
        let (width, height) = page.render_dimensions();
        let area = Rect::new(0.0, 0.0, width.into(), height.into());
        let transform = page.initial_transform(true).to_kurbo();
        let mut context = Context::new(transform, area, &cache, pdf.xref(), InterpreterSettings::default());
        sheet.glyphs.clear();
        interpret_page(page, &mut context, &mut sheet);
        if sheet.glyphs.len() == MOST_GLYPHS {
            contents.problem = Some(Problem::Cut);
        }
        glyphs += sheet.glyphs.len();
        contents.text.push_str(&sheet.text());
        contents.text.push('\n');
    }
    sheet.codes.dedup();
    contents.codes = sheet.codes;
    if glyphs == 0 && contents.codes.is_empty() && contents.problem.is_none() {
        contents.problem = Some(Problem::NoText);
    }
    contents
}

/// A letter and where it stands, in points, on the page turned so that its line runs to the right.
struct Glyph {
    /// By how many quarters of a circle its line is turned.
    turn: u8,
    left: f64,
    right: f64,
    /// Its foot; grows downwards.
    base: f64,
    height: f64,
    text: BfString,
}

/// The letters of a page, and the codes on the pictures of all pages.
#[derive(Default)]
struct Sheet {
    glyphs: Vec<Glyph>,
    codes: Vec<Code>,
    /// The pictures looked at: a logo stands on every page.
    seen: HashSet<u128>,
    pictures: usize,
}

impl<'a> Device<'a> for Sheet {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            let Some(text) = glyph.as_unicode().filter(|_| self.glyphs.len() < MOST_GLYPHS) else { continue };
            let advance = match &**glyph {
                font::Glyph::Outline(glyph) => glyph.advance_width(),
                font::Glyph::Type3(glyph) => glyph.advance_width(),
            };
            let advance = f64::from(advance.unwrap_or(UNITS_OF_EM as f32 / 2.0));
            let [a, b, c, d, x, y] = (props.transform * glyph.transform()).as_coeffs();
            let height = c.hypot(d) * UNITS_OF_EM;
            // The page's y grows downwards: a line that runs up has b below 0.
            let (turn, left, base, width) = match (a.abs() >= b.abs(), a >= 0.0, b >= 0.0) {
                (true, true, _) => (0, x, y, a),
                (true, false, _) => (2, -x, -y, -a),
                (false, _, true) => (1, y, -x, b),
                (false, _, false) => (3, -y, x, -b),
            };
            let right = left + width * advance;
            if [left, right, base, height].iter().all(|number| number.is_finite()) {
                self.glyphs.push(Glyph { turn, left, right, base, height, text });
            }
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        let (width, height) = (image.width(), image.height());
        if self.pictures == MOST_PICTURES || width.min(height) < SMALLEST_PICTURE {
            return;
        }
        if u64::from(width) * u64::from(height) > picture::MOST_PIXELS || !self.seen.insert(image.cache_key()) {
            return;
        }
        self.pictures += 1;
        let mut take = |grey: Option<GrayImage>| self.codes.extend(grey.iter().flat_map(picture::codes));
        match image {
            Image::Stencil(stencil) => stencil.with_stencil(|luma, _| take(grey(luma)), None),
            Image::Raster(raster) => raster.with_rgba(
                |data, _| match data {
                    ImageData::Luma(luma) => take(grey(luma)),
                    ImageData::Rgb(RgbData { data, width, height, .. }) => {
                        let picture = RgbImage::from_raw(width, height, data).map(DynamicImage::ImageRgb8);
                        take(picture.map(DynamicImage::into_luma8));
                    }
                },
                None,
            ),
        }
    }
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

impl Sheet {
    /// The lines from the top of the page, each from left to right.
    fn text(&mut self) -> String {
        self.glyphs.sort_by(|one, other| (one.turn, one.base).partial_cmp(&(other.turn, other.base)).unwrap_or(Equal));
        let mut text = String::new();
        let mut rest = self.glyphs.as_mut_slice();
        while let Some(first) = rest.first() {
            let (turn, mut base) = (first.turn, first.base);
            let on_line = |glyph: &Glyph| {
                let near = glyph.turn == turn && glyph.base - base <= LINE * glyph.height;
                base = if near { glyph.base } else { base };
                near
            };
            let count = rest.iter().position({
                let mut on_line = on_line;
                move |glyph| !on_line(glyph)
            });
            let (line, after) = rest.split_at_mut(count.unwrap_or(rest.len()));
            line.sort_by(|one, other| one.left.partial_cmp(&other.left).unwrap_or(Equal));
            write_line(&mut text, line);
            rest = after;
        }
        text
    }
}

fn grey(LumaData { data, width, height, .. }: LumaData) -> Option<GrayImage> {
    GrayImage::from_raw(width, height, data)
}

fn write_line(text: &mut String, line: &[Glyph]) {
    let mut before: Option<&Glyph> = None;
    for glyph in line {
        if let Some(before) = before {
            // Bold print is now and then the same letter twice.
            if before.text == glyph.text && glyph.left - before.left < WORD_GAP / 2.0 * glyph.height {
                continue;
            }
            let gap = (glyph.left - before.right) / glyph.height;
            match () {
                () if gap > CELL_GAP => text.push('\t'),
                () if gap > WORD_GAP && !text.ends_with([' ', '\t']) => text.push(' '),
                () => {}
            }
        }
        match &glyph.text {
            BfString::Char(letter) => text.push(*letter),
            BfString::String(letters) => text.push_str(letters),
        }
        before = Some(glyph);
    }
    text.push('\n');
}
