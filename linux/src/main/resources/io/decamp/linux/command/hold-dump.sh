#!/bin/sh
# Action script of a criu dump (criu(8), --action-script): once all images are complete, says so and waits for ever.
# The only verdict there is is "abort": a commit kills the tasks and then this script. End of file on the FIFO says that
# whoever opened it is gone, which decides nothing.
[ "$CRTOOLS_SCRIPT_ACTION" = post-dump ] || exit 0
: > "$DECAMP_RUN/held" || exit 1
while [ -p "$DECAMP_RUN/verdict" ]; do
    read -r verdict < "$DECAMP_RUN/verdict" && exit 1
done
exit 1
