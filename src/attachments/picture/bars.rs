//! One row of a picture read as a bar code.

use std::collections::HashSet;

use image::GrayImage;
use rxing::common::BitArray;
use rxing::oned::{MultiFormatOneDReader, OneDReader};
use rxing::{BarcodeFormat, DecodeHints};

use crate::desk::attachment::Code;

/// Samples for a pixel: the reader counts whole samples, and a bar may be two pixels wide.
const SAMPLES: f64 = 4.0;

/// The longest row, in samples.
const LONGEST: usize = 24_000;

/// How much a row is sharpened: blur makes narrow bars pale.
const SHARPENED: [f32; 4] = [0.0, 1.5, 3.0, 6.0];

/// Codes of one row.
const MOST_CODES: usize = 4;

/// Characters of the shortest code; shorter ones come out of stripes that are none.
const SHORTEST: usize = 4;

/// Dark and light places of the shortest code: Code 128 has six for each of its characters, its start and its
/// check, and seven for its end (ISO/IEC 15417).
const FEWEST_PEAKS: usize = 6 * (SHORTEST + 2) + 7;

/// Where a row runs, in pixels.
pub(super) struct Line {
    pub(super) from: (f64, f64),
    pub(super) until: (f64, f64),
    /// Over how many pixels across the row the light is averaged.
    pub(super) thick: f64,
}

/// Reads the bar codes on a row.
pub(super) fn read(picture: &GrayImage, line: &Line) -> Vec<Code> {
    let light = sample(picture, line);
    let mut found: Vec<Code> = Vec::new();
    for amount in SHARPENED {
        let row = bits(&sharpened(&light, amount));
        let Some(row) = row else { continue };
        let mut codes = decode(row.clone());
        if codes.is_empty() {
            let mut turned = row;
            turned.reverse();
            codes = decode(turned);
        }
        super::add(&mut found, codes);
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// The light along the row.
fn sample(picture: &GrayImage, line: &Line) -> Vec<f32> {
    let (dx, dy) = (line.until.0 - line.from.0, line.until.1 - line.from.1);
    let length = dx.hypot(dy);
    let count = ((length * SAMPLES) as usize).min(LONGEST);
    let (dx, dy) = (dx / length, dy / length);
    let step = length / count.max(1) as f64;
    let lanes = (line.thick as i32).clamp(1, 7);
    let lane = |at: i32| f64::from(at) - f64::from(lanes - 1) / 2.0;
    (0..count)
        .map(|at| {
            let along = at as f64 * step;
            let light = (0..lanes).map(|at| {
                let across = lane(at);
                pixel(picture, line.from.0 + dx * along - dy * across, line.from.1 + dy * along + dx * across)
            });
            light.sum::<f32>() / lanes as f32
        })
        .collect()
}

/// The light at a place, between the four pixels around it; outside of the picture that of its edge.
fn pixel(picture: &GrayImage, x: f64, y: f64) -> f32 {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (x, y) = (x.clamp(0.0, width.saturating_sub(1) as f64), y.clamp(0.0, height.saturating_sub(1) as f64));
    let (column, row) = (x as usize, y as usize);
    let (right, down) = ((x - column as f64) as f32, (y - row as f64) as f32);
    let pixels = picture.as_raw();
    let at = |column: usize, row: usize| {
        let column = column.min(width.saturating_sub(1));
        let row = row.min(height.saturating_sub(1));
        pixels.get(row * width + column).copied().map_or(0.0, f32::from)
    };
    let upper = at(column, row) * (1.0 - right) + at(column + 1, row) * right;
    let lower = at(column, row + 1) * (1.0 - right) + at(column + 1, row + 1) * right;
    upper * (1.0 - down) + lower * down
}

/// What is lighter than its surroundings becomes lighter still.
fn sharpened(light: &[f32], amount: f32) -> Vec<f32> {
    if amount == 0.0 {
        return light.to_vec();
    }
    let soft = mean(&mean(light, (SAMPLES * 1.5) as usize), (SAMPLES * 1.5) as usize);
    light.iter().zip(soft).map(|(light, soft)| light + amount * (light - soft)).collect()
}

/// The mean over so many samples to both sides.
fn mean(light: &[f32], reach: usize) -> Vec<f32> {
    let mut sums = Vec::with_capacity(light.len() + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for value in light {
        sum += f64::from(*value);
        sums.push(sum);
    }
    (0..light.len())
        .map(|at| {
            let (from, until) = (at.saturating_sub(reach), (at + reach + 1).min(light.len()));
            let total = sums.get(until).zip(sums.get(from)).map_or(0.0, |(until, from)| until - from);
            (total / (until - from) as f64) as f32
        })
        .collect()
}

/// Black and white: an edge stands halfway between the darkest place of a bar and the lightest place
/// of its neighbour. `None` where the row is all of one shade.
fn bits(light: &[f32]) -> Option<BitArray> {
    let soft = mean(light, (SAMPLES / 2.0) as usize);
    let peaks = peaks(&soft);
    if peaks.len() < FEWEST_PEAKS {
        return None;
    }
    let mut bits = BitArray::with_size(soft.len());
    for pair in peaks.windows(2) {
        let [(from, start), (until, end)] = pair else { continue };
        let half = (start + end) / 2.0;
        for at in *from..*until {
            if soft.get(at).is_some_and(|light| *light < half) {
                bits.set(at);
            }
        }
    }
    Some(bits)
}

/// Dark and light places in turn, each darker or lighter than its neighbours by more than noise.
fn peaks(light: &[f32]) -> Vec<(usize, f32)> {
    let mut sorted: Vec<f32> = light.iter().step_by(7).copied().collect();
    sorted.sort_by(f32::total_cmp);
    let share = |share: usize| sorted.get(sorted.len() * share / 100).copied().unwrap_or_default();
    let least = ((share(95) - share(5)) * 0.12).max(4.0);
    let mut peaks: Vec<(usize, f32)> = Vec::new();
    let Some(first) = light.first() else { return peaks };
    let (mut low, mut high) = ((0, *first), (0, *first));
    let mut rising = None;
    for (at, value) in light.iter().copied().enumerate() {
        if value < low.1 {
            low = (at, value);
        }
        if value > high.1 {
            high = (at, value);
        }
        if rising != Some(false) && value < high.1 - least {
            peaks.push(high);
            rising = Some(false);
            low = (at, value);
        } else if rising != Some(true) && value > low.1 + least {
            peaks.push(low);
            rising = Some(true);
            high = (at, value);
        }
    }
    peaks
}

/// The codes on a row of bits, from left to right.
fn decode(mut row: BitArray) -> Vec<Code> {
    let formats = [BarcodeFormat::CODE_39, BarcodeFormat::CODE_93, BarcodeFormat::CODE_128];
    let hints =
        DecodeHints { PossibleFormats: Some(HashSet::from(formats)), TryHarder: Some(true), ..DecodeHints::default() };
    let mut reader = MultiFormatOneDReader::new(&hints);
    let mut found = Vec::new();
    while found.len() < MOST_CODES {
        let Ok(result) = reader.decode_row(0, &row, &hints) else { break };
        let end = result.getPoints().iter().map(|point| point.x as usize).max().unwrap_or(row.get_size());
        found.extend(super::code(&result).filter(|code| code.text.len() >= SHORTEST));
        if end == 0 || end >= row.get_size() {
            break;
        }
        let mut rest = BitArray::with_size(row.get_size() - end);
        for at in end..row.get_size() {
            if row.get(at) {
                rest.set(at - end);
            }
        }
        row = rest;
    }
    found
}
