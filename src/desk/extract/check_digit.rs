//! The check digit of the tax number.

/// True where the last digit fits the other nine: weights 6 5 7 2 3 4 5 6 7, sum modulo 11, and 10 is
/// never given out (Polish act on the registration of taxpayers, art. 5; the weights are the Ministry's). One random
/// number in eleven fits, so that it confirms a NIP and refutes no serial number.
pub(super) fn is_nip(digits: &str) -> bool {
    const WEIGHTS: [u32; 9] = [6, 5, 7, 2, 3, 4, 5, 6, 7];
    let digits: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| digits.len() == 10) else { return false };
    let sum: u32 = WEIGHTS.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
    digits.last() == Some(&(sum % 11))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_digit_changed_is_noticed() {
        assert!(is_nip("5261040828"));
        assert!(is_nip("8628647343"));
        assert!(!is_nip("5261040827"));
        assert!(!is_nip("526104082"));
        assert!(!is_nip("52610408 8"));
    }
}
