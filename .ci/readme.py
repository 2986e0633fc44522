"""Print the command of the README that follows ``<!-- ci: NAME -->``."""

import pathlib
import re
import sys

text = pathlib.Path("README.md").read_text(encoding="utf-8")
pattern = rf"<!-- ci: {re.escape(sys.argv[1])} -->\s*```bash\n(.*?)\n```"
found = re.search(pattern, text, flags=re.DOTALL)
if found is None:
    raise SystemExit(f"README.md has no command {sys.argv[1]!r}")
sys.stdout.write(found.group(1) + "\n")
