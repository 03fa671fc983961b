"""`python -m course_lib`: the environment check."""

import sys

from course_lib.environment import main

sys.exit(main())
