mod honesty;
mod host_facts;
mod matrix;
mod plants;
mod roots;
mod rules;
mod traces;
