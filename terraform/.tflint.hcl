# The rules that need no plugin: tflint's rules for AWS cannot be installed everywhere.
config {
  call_module_type = "none"
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}

# main.tf, variables.tf and outputs.tf alone would make main.tf of a module of five parts a heap.
rule "terraform_standard_module_structure" {
  enabled = false
}
