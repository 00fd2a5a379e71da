"""What the measures are on a real model: CLIP (512 wide) on 500 image-caption pairs of MS-COCO.

Measured for this project on the features that were released with Liang et al., Mind the Gap (NeurIPS 2022;
github.com/Weixin-Liang/Modality-Gap, commit 8e20cb2, Figure_1_Modality_Gap/features_clip.npy). The released notebooks
themselves print gap norms of 0.822 and 0.826, on other dumps of COCO: compare orders of size, not digits.
"""

from __future__ import annotations

CLIP_PAIRS = "CLIP, 500 COCO pairs"
CLIP_500 = {
    "gap_norm": 0.8514,
    "relative_gap": 0.5915,
    "pair_distance": 1.1745,
    "gap_coherence": 0.725,
    "pair_distance_spread": 0.028,
    "gap_alignment": 0.9998,
    "gap_share_1": 0.346,
    "gap_share_5": 0.755,
    "gap_share_10": 0.802,
    "paired_cosine": 0.3099,
    "unpaired_cosine": 0.1616,
    "paired_auc": 0.9886,
    "cone_image": 0.5315,
    "cone_text": 0.5152,
    "linear_separability": 1.0,
    "mean_separability": 1.0,
    "neighbour_purity": 1.0,
    "mmd": 0.4174,
    "frechet": 1.1052,
    "alignment": 1.3802,
    "uniformity_image": -1.7945,
    "uniformity_text": -1.8409,
    "uniformity_union": -2.3126,
    "effective_rank_image": 298.0,
    "effective_rank_text": 280.4,
    "effective_rank_uncentred_image": 258.1,
    "effective_rank_uncentred_text": 243.7,
    "participation_ratio_image": 42.7,
    "participation_ratio_text": 41.7,
    "recall_t2i": 0.506,
    "recall_i2t": 0.552,
}
