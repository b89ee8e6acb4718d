# bash completion for symmbench. Written by scripts/generate_docs.sh from the tables of options and commands.

# Words, of which several may stand with commas between them.
_symmbench_list() {
  local before=
  [[ $cur == *,* ]] && before=${cur%,*},
  COMPREPLY=($(compgen -P "$before" -W "$1" -- "${cur##*,}"))
}

# What may follow an option of a command; fails where the option takes nothing.
_symmbench_value() {
  case $1$2 in
    run--workspace) _symmbench_list 'trtllm_fusion trtllm mnnvl' ;;
    run--allocator) _symmbench_list 'symm_device_memory torch_symm_mem upstream cuda_ipc' ;;
    run--torch-layout) COMPREPLY=($(compgen -W '2.13 2.14' -- "$cur")) ;;
    run--handle) _symmbench_list 'auto upstream posix_fd fabric cuda_ipc' ;;
    run--multicast) _symmbench_list 'off on auto' ;;
    run--algorithm) _symmbench_list 'one_shot two_shot two_shot_barrier one_shot_pull auto nccl nccl_symmetric' ;;
    run--pattern) _symmbench_list 'allreduce residual_rmsnorm residual_rmsnorm_fp8 residual_rmsnorm_nvfp4 residual_rmsnorm_out_fp8 residual_rmsnorm_out_nvfp4 residual_rmsnorm_dynamic_fp8 residual_rmsnorm_out_dynamic_fp8 residual_rmsnorm_group_fp8 residual_rmsnorm_out_group_fp8 moe_reduction_residual_rmsnorm moe_finalize_residual_rmsnorm residual_rmsnorm_mxfp8 residual_rmsnorm_out_mxfp8' ;;
    run--datatype | run-d) _symmbench_list 'fp16 bf16 fp32' ;;
    run--accumulate) COMPREPLY=($(compgen -W 'fp32 storage' -- "$cur")) ;;
    run--in-place) _symmbench_list 'on off' ;;
    run--group-size) : ;;
    run--config) COMPREPLY=($(compgen -W 'full h200-sweep qualify quick serving soak-short' -f -- "$cur")) ;;
    run--minbytes | run-b) : ;;
    run--maxbytes | run-e) : ;;
    run--stepfactor | run-f) : ;;
    run--stepbytes | run-i) : ;;
    run--tokens) : ;;
    run--hidden) : ;;
    run--workspace-tokens) : ;;
    run--workspace-bytes) : ;;
    run--weight-bias) : ;;
    run--epsilon) : ;;
    run--quant-scale) : ;;
    run--global-scale) : ;;
    run--quant-group) : ;;
    run--scale-layout) COMPREPLY=($(compgen -W 'linear 128x4 8x4' -- "$cur")) ;;
    run--experts) : ;;
    run--top-k) : ;;
    run--routed-scaling) : ;;
    run--iters | run-n) : ;;
    run--warmup-iters | run-w) : ;;
    run--cudagraph | run-G) : ;;
    run--buffers) : ;;
    run--check | run-c) COMPREPLY=($(compgen -W 'on off' -- "$cur")) ;;
    run--ci-width) : ;;
    run--blocks) : ;;
    run--threads) : ;;
    run--pdl) COMPREPLY=($(compgen -W 'on off' -- "$cur")) ;;
    run--trigger) COMPREPLY=($(compgen -W 'early end' -- "$cur")) ;;
    run--seed) : ;;
    run--placements) : ;;
    run--tuning) COMPREPLY=($(compgen -W 'auto computed sm90' -f -- "$cur")) ;;
    run--lifecycles) : ;;
    run--soak) : ;;
    run--concurrent) : ;;
    run--time-limit) : ;;
    run--timeout | run-T) : ;;
    run--deadline-scale) : ;;
    run--inject) : ;;
    run--isolation) COMPREPLY=($(compgen -W 'process none' -- "$cur")) ;;
    run--fail-on) COMPREPLY=($(compgen -W 'none info warning critical' -- "$cur")) ;;
    run--baseline) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    run--min-busbw) : ;;
    run--max-regress) : ;;
    run--threshold) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    run--device) COMPREPLY=($(compgen -W 'auto cuda host' -- "$cur")) ;;
    run--fabric) COMPREPLY=($(compgen -W 'auto computed sm90' -f -- "$cur")) ;;
    run--virtual-hosts) : ;;
    run--report | run-J) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    run--journal) COMPREPLY=($(compgen -d -- "$cur")) ;;
    run--output-dir) COMPREPLY=($(compgen -d -- "$cur")) ;;
    run--format) COMPREPLY=($(compgen -W 'table nccl none' -- "$cur")) ;;
    run--columns) _symmbench_list 'algbw busbw of_limit' ;;
    run--progress) COMPREPLY=($(compgen -W 'auto off' -- "$cur")) ;;
    run--csv) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    run--jsonl) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    run--junit) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    run--prometheus) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    plan--ranks) : ;;
    plan--workspace) _symmbench_list 'trtllm_fusion trtllm mnnvl' ;;
    plan--allocator) _symmbench_list 'symm_device_memory torch_symm_mem upstream cuda_ipc' ;;
    plan--torch-layout) COMPREPLY=($(compgen -W '2.13 2.14' -- "$cur")) ;;
    plan--handle) _symmbench_list 'auto upstream posix_fd fabric cuda_ipc' ;;
    plan--multicast) _symmbench_list 'off on auto' ;;
    plan--algorithm) _symmbench_list 'one_shot two_shot two_shot_barrier one_shot_pull auto nccl nccl_symmetric' ;;
    plan--pattern) _symmbench_list 'allreduce residual_rmsnorm residual_rmsnorm_fp8 residual_rmsnorm_nvfp4 residual_rmsnorm_out_fp8 residual_rmsnorm_out_nvfp4 residual_rmsnorm_dynamic_fp8 residual_rmsnorm_out_dynamic_fp8 residual_rmsnorm_group_fp8 residual_rmsnorm_out_group_fp8 moe_reduction_residual_rmsnorm moe_finalize_residual_rmsnorm residual_rmsnorm_mxfp8 residual_rmsnorm_out_mxfp8' ;;
    plan--datatype | plan-d) _symmbench_list 'fp16 bf16 fp32' ;;
    plan--accumulate) COMPREPLY=($(compgen -W 'fp32 storage' -- "$cur")) ;;
    plan--in-place) _symmbench_list 'on off' ;;
    plan--group-size) : ;;
    plan--config) COMPREPLY=($(compgen -W 'full h200-sweep qualify quick serving soak-short' -f -- "$cur")) ;;
    plan--minbytes | plan-b) : ;;
    plan--maxbytes | plan-e) : ;;
    plan--stepfactor | plan-f) : ;;
    plan--stepbytes | plan-i) : ;;
    plan--tokens) : ;;
    plan--hidden) : ;;
    plan--workspace-tokens) : ;;
    plan--workspace-bytes) : ;;
    plan--weight-bias) : ;;
    plan--epsilon) : ;;
    plan--quant-scale) : ;;
    plan--global-scale) : ;;
    plan--quant-group) : ;;
    plan--scale-layout) COMPREPLY=($(compgen -W 'linear 128x4 8x4' -- "$cur")) ;;
    plan--experts) : ;;
    plan--top-k) : ;;
    plan--routed-scaling) : ;;
    plan--iters | plan-n) : ;;
    plan--warmup-iters | plan-w) : ;;
    plan--cudagraph | plan-G) : ;;
    plan--buffers) : ;;
    plan--check | plan-c) COMPREPLY=($(compgen -W 'on off' -- "$cur")) ;;
    plan--ci-width) : ;;
    plan--blocks) : ;;
    plan--threads) : ;;
    plan--pdl) COMPREPLY=($(compgen -W 'on off' -- "$cur")) ;;
    plan--trigger) COMPREPLY=($(compgen -W 'early end' -- "$cur")) ;;
    plan--seed) : ;;
    plan--placements) : ;;
    plan--tuning) COMPREPLY=($(compgen -W 'auto computed sm90' -f -- "$cur")) ;;
    plan--lifecycles) : ;;
    plan--soak) : ;;
    plan--concurrent) : ;;
    plan--time-limit) : ;;
    plan--timeout | plan-T) : ;;
    plan--deadline-scale) : ;;
    plan--inject) : ;;
    plan--isolation) COMPREPLY=($(compgen -W 'process none' -- "$cur")) ;;
    plan--fail-on) COMPREPLY=($(compgen -W 'none info warning critical' -- "$cur")) ;;
    plan--baseline) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    plan--min-busbw) : ;;
    plan--max-regress) : ;;
    plan--threshold) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    plan--device) COMPREPLY=($(compgen -W 'auto cuda host' -- "$cur")) ;;
    plan--fabric) COMPREPLY=($(compgen -W 'auto computed sm90' -f -- "$cur")) ;;
    plan--virtual-hosts) : ;;
    plan--report | plan-J) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    plan--journal) COMPREPLY=($(compgen -d -- "$cur")) ;;
    plan--output-dir) COMPREPLY=($(compgen -d -- "$cur")) ;;
    plan--format) COMPREPLY=($(compgen -W 'table nccl none' -- "$cur")) ;;
    plan--columns) _symmbench_list 'algbw busbw of_limit' ;;
    plan--progress) COMPREPLY=($(compgen -W 'auto off' -- "$cur")) ;;
    plan--csv) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    plan--jsonl) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    plan--junit) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    plan--prometheus) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    salvage--output | salvage-o) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    bundle--output | bundle-o) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    probe--workspace) _symmbench_list 'trtllm_fusion trtllm mnnvl' ;;
    probe--allocator) _symmbench_list 'symm_device_memory torch_symm_mem upstream cuda_ipc' ;;
    probe--torch-layout) COMPREPLY=($(compgen -W '2.13 2.14' -- "$cur")) ;;
    probe--handle) _symmbench_list 'auto upstream posix_fd fabric cuda_ipc' ;;
    probe--multicast) _symmbench_list 'off on auto' ;;
    probe--algorithm) _symmbench_list 'one_shot two_shot two_shot_barrier one_shot_pull auto nccl nccl_symmetric' ;;
    probe--pattern) _symmbench_list 'allreduce residual_rmsnorm residual_rmsnorm_fp8 residual_rmsnorm_nvfp4 residual_rmsnorm_out_fp8 residual_rmsnorm_out_nvfp4 residual_rmsnorm_dynamic_fp8 residual_rmsnorm_out_dynamic_fp8 residual_rmsnorm_group_fp8 residual_rmsnorm_out_group_fp8 moe_reduction_residual_rmsnorm moe_finalize_residual_rmsnorm residual_rmsnorm_mxfp8 residual_rmsnorm_out_mxfp8' ;;
    probe--datatype | probe-d) _symmbench_list 'fp16 bf16 fp32' ;;
    probe--accumulate) COMPREPLY=($(compgen -W 'fp32 storage' -- "$cur")) ;;
    probe--in-place) _symmbench_list 'on off' ;;
    probe--group-size) : ;;
    probe--config) COMPREPLY=($(compgen -W 'full h200-sweep qualify quick serving soak-short' -f -- "$cur")) ;;
    probe--minbytes | probe-b) : ;;
    probe--maxbytes | probe-e) : ;;
    probe--stepfactor | probe-f) : ;;
    probe--stepbytes | probe-i) : ;;
    probe--tokens) : ;;
    probe--hidden) : ;;
    probe--workspace-tokens) : ;;
    probe--workspace-bytes) : ;;
    probe--weight-bias) : ;;
    probe--epsilon) : ;;
    probe--quant-scale) : ;;
    probe--global-scale) : ;;
    probe--quant-group) : ;;
    probe--scale-layout) COMPREPLY=($(compgen -W 'linear 128x4 8x4' -- "$cur")) ;;
    probe--experts) : ;;
    probe--top-k) : ;;
    probe--routed-scaling) : ;;
    probe--iters | probe-n) : ;;
    probe--warmup-iters | probe-w) : ;;
    probe--cudagraph | probe-G) : ;;
    probe--buffers) : ;;
    probe--check | probe-c) COMPREPLY=($(compgen -W 'on off' -- "$cur")) ;;
    probe--ci-width) : ;;
    probe--blocks) : ;;
    probe--threads) : ;;
    probe--pdl) COMPREPLY=($(compgen -W 'on off' -- "$cur")) ;;
    probe--trigger) COMPREPLY=($(compgen -W 'early end' -- "$cur")) ;;
    probe--seed) : ;;
    probe--placements) : ;;
    probe--tuning) COMPREPLY=($(compgen -W 'auto computed sm90' -f -- "$cur")) ;;
    probe--lifecycles) : ;;
    probe--soak) : ;;
    probe--concurrent) : ;;
    probe--time-limit) : ;;
    probe--timeout | probe-T) : ;;
    probe--deadline-scale) : ;;
    probe--inject) : ;;
    probe--isolation) COMPREPLY=($(compgen -W 'process none' -- "$cur")) ;;
    probe--fail-on) COMPREPLY=($(compgen -W 'none info warning critical' -- "$cur")) ;;
    probe--baseline) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    probe--min-busbw) : ;;
    probe--max-regress) : ;;
    probe--threshold) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    probe--device) COMPREPLY=($(compgen -W 'auto cuda host' -- "$cur")) ;;
    probe--fabric) COMPREPLY=($(compgen -W 'auto computed sm90' -f -- "$cur")) ;;
    probe--virtual-hosts) : ;;
    probe--report | probe-J) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    probe--journal) COMPREPLY=($(compgen -d -- "$cur")) ;;
    probe--output-dir) COMPREPLY=($(compgen -d -- "$cur")) ;;
    probe--format) COMPREPLY=($(compgen -W 'table nccl none' -- "$cur")) ;;
    probe--columns) _symmbench_list 'algbw busbw of_limit' ;;
    probe--progress) COMPREPLY=($(compgen -W 'auto off' -- "$cur")) ;;
    probe--csv) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    probe--jsonl) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    probe--junit) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    probe--prometheus) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    selftest--device) : ;;
    selftest--faults) : ;;
    selftest--allocator) : ;;
    selftest--seed) : ;;
    selftest--timeout | selftest-T) : ;;
    selftest--check | selftest-c) : ;;
    selftest--report | selftest-J) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    compare--max-regress) : ;;
    compare--format) : ;;
    threshold--from) : ;;
    threshold--output | threshold-o) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    threshold--margin) : ;;
    html--output | html-o) COMPREPLY=($(compgen -W '' -f -- "$cur")) ;;
    *) return 1 ;;
  esac
}

_symmbench_commands='run plan list validate salvage bundle probe selftest compare threshold html explain help'

_symmbench_options() {
  case $1 in
    run) echo '--workspace --allocator --torch-layout --handle --multicast --algorithm --pattern --datatype --accumulate --in-place --group-size --config --plan --minbytes --maxbytes --stepfactor --stepbytes --tokens --hidden --workspace-tokens --workspace-bytes --weight-bias --epsilon --quant-scale --global-scale --quant-group --scale-layout --experts --top-k --routed-scaling --iters --warmup-iters --cudagraph --buffers --check --ci-width --blocks --threads --pdl --trigger --seed --placements --tune --tuning --lifecycles --soak --lifecycle-fresh --concurrent --reattach --memory-pressure --time-limit --timeout --deadline-scale --inject --bisect --isolation --strict --skip-if-unsupported --fail-on --baseline --min-busbw --max-regress --threshold --device --fabric --virtual-hosts --report --journal --output-dir --format --columns --progress --quiet --verbose --raw-samples --csv --jsonl --junit --prometheus --help' ;;
    plan) echo '--ranks --json --workspace --allocator --torch-layout --handle --multicast --algorithm --pattern --datatype --accumulate --in-place --group-size --config --plan --minbytes --maxbytes --stepfactor --stepbytes --tokens --hidden --workspace-tokens --workspace-bytes --weight-bias --epsilon --quant-scale --global-scale --quant-group --scale-layout --experts --top-k --routed-scaling --iters --warmup-iters --cudagraph --buffers --check --ci-width --blocks --threads --pdl --trigger --seed --placements --tune --tuning --lifecycles --soak --lifecycle-fresh --concurrent --reattach --memory-pressure --time-limit --timeout --deadline-scale --inject --bisect --isolation --strict --skip-if-unsupported --fail-on --baseline --min-busbw --max-regress --threshold --device --fabric --virtual-hosts --report --journal --output-dir --format --columns --progress --quiet --verbose --raw-samples --csv --jsonl --junit --prometheus --help' ;;
    list) echo '--json --help' ;;
    validate) echo '--help' ;;
    salvage) echo '--output --force --help' ;;
    bundle) echo '--output --force --help' ;;
    probe) echo '--json --trace --workspace --allocator --torch-layout --handle --multicast --algorithm --pattern --datatype --accumulate --in-place --group-size --config --plan --minbytes --maxbytes --stepfactor --stepbytes --tokens --hidden --workspace-tokens --workspace-bytes --weight-bias --epsilon --quant-scale --global-scale --quant-group --scale-layout --experts --top-k --routed-scaling --iters --warmup-iters --cudagraph --buffers --check --ci-width --blocks --threads --pdl --trigger --seed --placements --tune --tuning --lifecycles --soak --lifecycle-fresh --concurrent --reattach --memory-pressure --time-limit --timeout --deadline-scale --inject --bisect --isolation --strict --skip-if-unsupported --fail-on --baseline --min-busbw --max-regress --threshold --device --fabric --virtual-hosts --report --journal --output-dir --format --columns --progress --quiet --verbose --raw-samples --csv --jsonl --junit --prometheus --help' ;;
    selftest) echo '--device --faults --allocator --exhaustive --seed --timeout --check --report --help' ;;
    compare) echo '--max-regress --format --help' ;;
    threshold) echo '--from --output --margin --force --help' ;;
    html) echo '--output --force --help' ;;
    explain) echo '--help' ;;
  esac
}

_symmbench_subject() {
  case $1 in
    list) COMPREPLY=($(compgen -W 'workspaces allocators patterns algorithms fabrics faults checks configs stacks' -- "$cur")) ;;
    validate) COMPREPLY=($(compgen -f -- "$cur")) ;;
    salvage) COMPREPLY=($(compgen -f -- "$cur")) ;;
    bundle) COMPREPLY=($(compgen -f -- "$cur")) ;;
    compare) COMPREPLY=($(compgen -f -- "$cur")) ;;
    threshold) COMPREPLY=($(compgen -f -- "$cur")) ;;
    html) COMPREPLY=($(compgen -f -- "$cur")) ;;
    help) COMPREPLY=($(compgen -W 'run plan list validate salvage bundle probe selftest compare threshold html explain' -- "$cur")) ;;
  esac
}

_symmbench() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= i
  # "--option=value" is three words to bash.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
  COMPREPLY=()
  [[ $prev == -* ]] && _symmbench_value "$command" "$prev" && return
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W "$_symmbench_commands --help --version" -- "$cur"))
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$(_symmbench_options "$command")" -- "$cur"))
  else
    _symmbench_subject "$command"
  fi
}

complete -F _symmbench symmbench
