#!/bin/busybox sh
# Runs the commands that come in on a guest's serial line: `MARK SECONDS BASE64`. Back goes a line `MARK`, what the command
# prints, and a line `MARK STATUS`. A command that takes longer than SECONDS is killed.
stty raw -echo -opost
echo READY
while read -r mark seconds text; do
    echo "$text" | base64 -d >/run/command
    echo "$mark"
    timeout -s KILL "$seconds" sh /run/command </dev/null 2>&1
    printf '\n%s %s\n' "$mark" "$?"
done
