"""What holds for every mitigator: its slow twin, blocks, a permuted gallery, no bank that matters, untouched input."""

import math

import numpy as np
import pytest

from tests.reference import mitigators as naive
from workbench.arrays import unit
from workbench.hubness import (
    CSLS,
    DIS,
    MITIGATORS,
    NICDM,
    NNN,
    Bank,
    BankError,
    Centring,
    CentringUnit,
    DisSimLocal,
    DualDIS,
    DualIS,
    DualSoftmax,
    GloballyCorrected,
    InvertedSoftmax,
    InvGC,
    InvGCLocal,
    LocalScaling,
    MitigatorError,
    MutualProximity,
    MutualProximityEmpiric,
    MutualProximityJoint,
    Sinkhorn,
    label,
    mitigate,
    mitigate_rows,
)

TRANSDUCTIVE = (DualSoftmax, Sinkhorn)
WHOLE_ROWS = (CSLS, DIS, DualDIS, NICDM, LocalScaling, DualSoftmax, Centring, GloballyCorrected)
WHOLE_ROWS += (MutualProximity, MutualProximityEmpiric, MutualProximityJoint)
OF_SCORES = (
    CSLS(k=4),
    NNN(k=4),
    InvertedSoftmax(beta=9.0),
    DIS(beta=9.0, k=1),
    DualIS(beta=9.0, beta_gallery=2.0),
    DualDIS(beta=9.0, beta_gallery=2.0, k=1),
    DualSoftmax(temperature=9.0),
    Sinkhorn(beta=9.0, iterations=4),
    Centring(alpha=0.7),
    NICDM(k=4),
    MutualProximity(),
    MutualProximity(k=5),
    LocalScaling(k=3),
    GloballyCorrected(),
    MutualProximityEmpiric(),
    MutualProximityJoint(),
    DisSimLocal(k=3),
)
OF_ROWS = (InvGC(0.6, 0.9), InvGC(0.0, 1.0), InvGCLocal(0.6, 0.9, pool=0.3), CentringUnit(alpha=0.7))
each_of_scores = pytest.mark.parametrize("mitigator", OF_SCORES, ids=label)
each_of_rows = pytest.mark.parametrize("mitigator", OF_ROWS, ids=label)


class World:
    """Test queries, a gallery with hubs, and banks of other queries and pictures; unit rows in float64."""

    def __init__(self, seed=0, queries=7, items=15, bank=11, width=6):
        rng = np.random.default_rng(seed)

        def cloud(n):
            return unit(rng.normal(size=(n, width)) + 0.4)

        self.queries, self.gallery = cloud(queries), cloud(items)
        self.bank_queries, self.gallery_bank = cloud(bank), cloud(9)
        self.scores = self.queries @ self.gallery.T

    def bank(self, mitigator, rows=True, dtype=np.float64, order=slice(None), factor=1.0):
        transductive = isinstance(mitigator, TRANSDUCTIVE)
        gallery = self.gallery[order]
        queries = self.queries if transductive else self.bank_queries
        queries = gallery if isinstance(mitigator, MutualProximityJoint) else queries
        given = (queries * factor, gallery, self.gallery_bank * factor)
        queries, gallery, others = (one.astype(dtype) for one in given)
        source = "test queries" if transductive else "other queries"
        if rows or isinstance(mitigator, DisSimLocal):  # which needs rows
            return Bank(queries, gallery, source, others, transductive)
        return Bank.from_scores(queries @ gallery.T, source, others @ gallery.T, transductive)


@pytest.fixture
def world():
    return World()


def twin(mitigator, world):
    """What a mitigator of scores should give, as the twin writes it."""
    bank = world.bank_queries @ world.gallery.T
    others = world.gallery_bank @ world.gallery.T
    return {
        CSLS: lambda m: naive.csls(bank, world.scores, m.k),
        NNN: lambda m: naive.nnn(bank, world.scores, m.k, m.alpha),
        InvertedSoftmax: lambda m: np.log(naive.inverted_softmax(bank, world.scores, m.beta)),
        DualIS: lambda m: np.log(naive.dual_is(bank, others, world.scores, m.beta, m.beta_gallery)),
        Sinkhorn: lambda m: np.log(naive.sinkhorn(world.scores, m.beta, m.iterations)),
        Centring: lambda m: naive.centring(world.bank_queries, world.gallery, world.queries, m.alpha),
        NICDM: lambda m: naive.nicdm(bank, world.scores, m.k, m.top),
        MutualProximity: lambda m: np.log(naive.mutual_proximity(bank, world.scores, m.k)),
        DIS: lambda m: naive.dis(bank, world.scores, m.beta, m.k),
        DualDIS: lambda m: naive.dual_dis(bank, others, world.scores, m.beta, m.beta_gallery, m.k),
        DualSoftmax: lambda m: naive.dual_softmax(world.scores, m.temperature),
        LocalScaling: lambda m: np.log(naive.local_scaling(bank, world.scores, m.k, m.top)),
        GloballyCorrected: lambda m: naive.globally_corrected(bank, world.scores),
        MutualProximityEmpiric: lambda m: naive.mutual_proximity_empiric(bank, world.scores),
        MutualProximityJoint: lambda m: naive.mutual_proximity_joint(
            world.gallery @ world.gallery.T, world.scores
        ),
        DisSimLocal: lambda m: naive.dissim_local(world.bank_queries, world.gallery, world.queries, m.k),
    }[type(mitigator)](mitigator)


def twin_of_rows(mitigator, world):
    given = (world.bank_queries, world.gallery, world.queries)
    if isinstance(mitigator, CentringUnit):
        return naive.centring_unit(*given, mitigator.alpha)
    pool = getattr(mitigator, "pool", None)
    return naive.invgc(*given, mitigator.rate_gallery, mitigator.rate_query, world.gallery_bank, pool)


def order(scores):
    return np.argsort(-scores, axis=1, kind="stable")


def whole(mitigator, world, **options):
    bank = world.bank(mitigator, **options)
    if bank.queries is None:
        return mitigate(mitigator, bank, world.scores)
    return np.concatenate([block for _, block in mitigate_rows(mitigator, bank, world.queries)])


@pytest.mark.parametrize(
    ("mitigator", "rows"),
    [(m, rows) for m in OF_SCORES for rows in (True, False) if rows or not isinstance(m, DisSimLocal)],
    ids=str,
)
def test_scores_are_the_formula_written_out(mitigator, rows, world):
    ours = mitigate(mitigator, world.bank(mitigator, rows), world.scores)
    wanted = twin(mitigator, world)
    if isinstance(mitigator, DIS | DualDIS | DualSoftmax | DisSimLocal):  # in order, on the row's own scale
        assert (order(ours) == order(wanted)).all()
    else:
        np.testing.assert_allclose(ours, wanted, rtol=1e-9)


@each_of_rows
def test_rows_are_the_formula_written_out(mitigator, world):
    np.testing.assert_allclose(whole(mitigator, world), twin_of_rows(mitigator, world), rtol=1e-9)


@pytest.mark.parametrize("name", MITIGATORS.names())
def test_every_registered_mitigator_is_tested_here(name):
    assert MITIGATORS.get(name) in {type(one) for one in (*OF_SCORES, *OF_ROWS)}
    assert label(MITIGATORS.get(name)()) == name


@each_of_scores
def test_blocks_of_queries_and_of_pictures_change_nothing(mitigator, world):
    bank = world.bank(mitigator)
    fitted = mitigator.fit(bank)
    at_once = fitted(world.scores, slice(0, 7), slice(0, 15))
    for queries in (slice(0, 3), slice(3, 7)):
        np.testing.assert_allclose(fitted(world.scores[queries], queries, slice(0, 15)), at_once[queries])
        for items in (slice(0, 6), slice(6, 15)):
            if isinstance(mitigator, WHOLE_ROWS):
                with pytest.raises(MitigatorError, match="whole gallery"):
                    fitted(world.scores[queries, items], queries, items)
            else:
                part = fitted(world.scores[queries, items], queries, items)
                np.testing.assert_allclose(part, at_once[queries, items])


@each_of_scores
def test_blocks_of_the_bank_change_nothing(mitigator, world, monkeypatch):
    wanted = whole(mitigator, world)
    monkeypatch.setattr("workbench.index.blocks.BLOCK_CELLS", 30)
    np.testing.assert_allclose(whole(mitigator, world), wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(whole(mitigator, world, rows=False), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mitigator", [*OF_SCORES, *OF_ROWS], ids=label)
def test_permuting_the_gallery_permutes_the_answer(mitigator, world):
    permuted = np.random.default_rng(1).permutation(15)
    np.testing.assert_allclose(
        whole(mitigator, world, order=permuted), whole(mitigator, world)[:, permuted], rtol=1e-9, atol=1e-12
    )


@each_of_scores
def test_what_only_adds_ranks_as_it_does(mitigator, world):
    fitted = mitigator.fit(world.bank(mitigator))
    if hasattr(fitted, "bias"):
        ours = fitted(world.scores, slice(0, 7), slice(0, 15))
        assert (order(world.scores + fitted.bias) == order(ours)).all()
        assert fitted.bias.shape == (15,) and np.ptp(fitted.bias) > 0


def test_these_only_add(world):
    additive = [type(m) for m in OF_SCORES if hasattr(m.fit(world.bank(m)), "bias")]
    assert additive == [CSLS, NNN, InvertedSoftmax, DualIS, Sinkhorn, Centring, DisSimLocal]


@pytest.mark.parametrize("mitigator", [*OF_SCORES, *OF_ROWS], ids=label)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_given_is_written_to_and_the_float_type_stays(mitigator, dtype, world):
    queries, scores = world.queries.astype(dtype), world.scores.astype(dtype)
    for rows in (True, False) if mitigator in OF_SCORES else (True,):
        bank = world.bank(mitigator, rows, dtype)
        given = (queries, scores, bank.queries, bank.gallery, bank.gallery_bank)
        for array in (*given, bank.scores, bank.gallery_scores):
            if array is not None:
                array.flags.writeable = False
        if mitigator in OF_SCORES:
            assert mitigate(mitigator, bank, scores).dtype == dtype
        else:
            assert {block.dtype for _, block in mitigate_rows(mitigator, bank, queries)} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    "mitigator",
    [
        CSLS(k=4),
        NNN(k=4),
        InvertedSoftmax(beta=20.0),
        DIS(beta=20.0, k=1),
        DualIS(beta=20.0, beta_gallery=5.0),
        DualDIS(beta=20.0, beta_gallery=5.0),
        DualSoftmax(temperature=100.0),
        Sinkhorn(beta=0.5),
        NICDM(k=4, top=100.0),
        LocalScaling(k=4, top=100.0),
        MutualProximity(),
        Centring(),
    ],
    ids=label,
)
def test_float32_at_logit_scale(mitigator, world):
    """100 x cosine: exponents of thousands, where e^x has long been infinite."""
    ours = mitigate(
        mitigator,
        world.bank(mitigator, rows=False, dtype=np.float32, factor=100.0),
        (100 * world.scores).astype(np.float32),
    )
    exact = mitigate(mitigator, world.bank(mitigator, rows=False, factor=100.0), 100 * world.scores)
    assert np.isfinite(ours).all() and ours.dtype == np.float32
    np.testing.assert_allclose(ours, exact, rtol=1e-4, atol=1e-4 * np.abs(exact).max())
    assert (order(ours)[:, 0] == order(exact)[:, 0]).all()


def test_float32_tells_apart_what_sinkhorn_settles():
    """At 100 x cosine and its usual beta, log shares near 0 are what is left of numbers of thousands."""
    rng = np.random.default_rng(0)
    content = rng.normal(size=(200, 16)) + 0.3
    gallery, queries = unit(content), unit(content[:100] + rng.normal(size=(100, 16)))
    scores = (100 * queries @ gallery.T).astype(np.float32)
    ours, exact = (
        mitigate(Sinkhorn(), Bank.from_scores(given, "test queries", transductive=True), given)
        for given in (scores, scores.astype(np.float64))
    )
    assert (ours.argmax(axis=1) == exact.argmax(axis=1)).all()


@pytest.mark.parametrize(
    "mitigator",
    [CSLS(k=3), NNN(k=3), InvertedSoftmax(), DIS(), NICDM(k=3), Centring(), DualIS(), DualDIS()],
    ids=label,
)
def test_a_bank_to_which_all_pictures_are_alike_changes_no_ranking(mitigator, world):
    same = np.full((11, 15), 0.25)
    bank = Bank.from_scores(same, "a constant", gallery_scores=np.full((9, 15), 0.5))
    assert (order(mitigate(mitigator, bank, world.scores)) == order(world.scores)).all()


@pytest.mark.parametrize("mitigator", [DualSoftmax(), Sinkhorn()], ids=label)
def test_transductive_by_nature(mitigator, world):
    bank = Bank(world.bank_queries, world.gallery, "val queries")
    with pytest.raises(BankError, match=r"looks at all test queries at once.*got val queries, 11, inductive"):
        mitigator.fit(bank)


def test_dual_banks_need_a_gallery_bank(world):
    bank = Bank(world.bank_queries, world.gallery, "val queries")
    for mitigator in (DualIS(), DualDIS(), InvGC()):
        with pytest.raises(BankError, match="no gallery bank"):
            mitigator.fit(bank)


@each_of_rows
def test_what_moves_rows_needs_rows(mitigator, world):
    with pytest.raises(BankError, match="works on rows, so it needs a bank of rows"):
        mitigator.fit(world.bank(mitigator, rows=False))
    with pytest.raises(MitigatorError, match="changes rows, not scores: use mitigate_rows"):
        mitigate(mitigator, world.bank(mitigator), world.scores)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: InvertedSoftmax(beta=0.0).fit(w.bank(None)), "beta is 0.0, expected above 0"),
        (lambda w: InvGCLocal(pool=0.01).fit(w.bank(None)), "pool=0.01 of 9 rows is 0, expected 1 to 9"),
        (lambda w: NICDM(k=3, top=0.5).fit(w.bank(None)), "top=0.5 is not the score of two rows"),
        (
            lambda w: MutualProximity().fit(Bank.from_scores(np.full((4, 5), 0.3), "a constant")),
            "the scores of gallery row 0 are all equal",
        ),
    ],
)
def test_impossible_settings_are_named(make, message, world):
    with pytest.raises(MitigatorError, match=message.replace(".", r"\.")):
        make(world)


@pytest.mark.parametrize("mitigator", [MutualProximity(), NICDM(k=3), LocalScaling(k=3)], ids=label)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_equal_but_for_rounding_is_equal(mitigator, dtype):
    """Distances of the last digit are no unit to measure others in."""
    last = dtype(1) - np.finfo(dtype).eps * np.arange(3, dtype=dtype)
    scores = np.concatenate([np.tile(last, (4, 1)), np.full((4, 3), 0.2, dtype)], axis=1)
    far = np.linspace(-0.5, 0.5, 24, dtype=dtype).reshape(4, 6)
    queries_of_one = np.concatenate([last, last[:1]])[:, None]
    with pytest.raises(MitigatorError, match=r"gallery row 5"):
        mitigator.fit(Bank.from_scores(np.concatenate([far[:, :5], queries_of_one], axis=1), "other queries"))
    near = scores[:, [0, 1, 2, 0, 1, 2]]
    with pytest.raises(MitigatorError, match=r"query 0"):
        mitigate(mitigator, Bank.from_scores(far, "other queries"), near)


@pytest.mark.parametrize("mitigator", [GloballyCorrected(), MutualProximityEmpiric()], ids=label)
def test_a_query_in_its_own_bank_does_not_beat_itself(mitigator):
    """Products of the same rows in other blocks differ in their last digits."""
    rng = np.random.default_rng(0)
    queries, gallery = unit(rng.normal(size=(90, 96)) + 0.2), unit(rng.normal(size=(70, 96)) + 0.2)
    scores = np.array([[math.fsum(q * g) for g in gallery] for q in queries])
    exact = mitigate(mitigator, Bank.from_scores(scores, "test queries", transductive=True), scores)
    bank = Bank(queries, gallery, "test queries", transductive=True)
    np.testing.assert_array_equal(
        np.concatenate([block for _, block in mitigate_rows(mitigator, bank, queries)]), exact
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mitigator", OF_SCORES, ids=label)
def test_a_score_of_zero_is_a_score(mitigator, world):
    scores = np.where(np.eye(7, 15) > 0, 0.0, world.scores)
    ours = mitigate(mitigator, world.bank(mitigator), scores)
    assert np.isfinite(ours).all()
    if isinstance(mitigator, DualSoftmax):  # the sign is the score's
        assert (np.sign(ours) == np.sign(scores)).all()


@each_of_scores
def test_an_excluded_picture_stays_last(mitigator, world):
    scores = world.scores.copy()
    scores[2, 5] = -np.inf
    bank = world.bank(mitigator, rows=False)
    ours = mitigate(mitigator, bank, scores)
    assert ours[2, 5] == -np.inf and np.isfinite(np.delete(ours.ravel(), 2 * 15 + 5)).all()
