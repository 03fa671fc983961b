from course_lib._audit.report import AuditReport as AuditReport
from course_lib._audit.report import Finding as Finding
from course_lib.carry_over import lstm as lstm
from course_lib.embedding import compute_mask as compute_mask
from course_lib.embedding import look_up as look_up
from course_lib.embedding import table_gradient as table_gradient
from course_lib.environment import check_environment as check_environment
from course_lib.exercises import check as check
from course_lib.exercises import hint as hint
from course_lib.exercises import progress as progress
from course_lib.explorers import explore_carry_over as explore_carry_over
from course_lib.explorers import explore_loss as explore_loss
from course_lib.explorers import explore_padding as explore_padding
from course_lib.lost_masks import assert_padding_invariant as assert_padding_invariant
from course_lib.lost_masks import audit as audit
from course_lib.padding import lengths_to_mask as lengths_to_mask
from course_lib.padding import mask_to_lengths as mask_to_lengths
from course_lib.padding import masked_mean as masked_mean
from course_lib.padding import pad as pad
from course_lib.padding import padding_efficiency as padding_efficiency
from course_lib.propagation import Trace as Trace
from course_lib.propagation import trace as trace

__version__: str
__all__: list[str]
