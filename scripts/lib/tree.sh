# Sourced, in the root of the tree.

# copy_tree FOLDER: what belongs to the tree, as it is now: files that git knows or would take in, but for those that were deleted. Git would refuse to
# list a checkout that another user owns. Where there is no git, all but the folder of the build.
copy_tree() {
    local folder=$1 file
    mkdir -p "$folder" || return
    if git -c safe.directory='*' rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git -c safe.directory='*' ls-files -z --cached --others --exclude-standard | sort -z -u |
            while IFS= read -r -d '' file; do [[ ! -e $file && ! -L $file ]] || printf '%s\0' "$file"; done |
            xargs -0 cp --parents --no-dereference -t "$folder"
    else
        tar -c --exclude=./build --exclude=./.git . | tar -x --no-same-owner -C "$folder"
    fi
}
