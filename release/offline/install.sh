#!/bin/sh
# Installs vesimod from this folder, without internet:  sh install.sh [FOLDER]
# With a Python of your choice:  PYTHON=/path/to/python3 sh install.sh
for python in ${PYTHON:-@PROGRAMS@ python3}; do
  if "$python" -c '' 2> /dev/null; then
    exec "$python" "$(dirname "$0")/install.py" "$@"
  fi
done
echo "ERROR: vesimod - no Python starts; install Python @VERSIONS@, or name one: PYTHON=/path/to/python3 sh install.sh" >&2
exit 2
