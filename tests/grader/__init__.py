"""Grades exercises: builds a hand-in into the kernel, boots it, and judges.

    exercise  what is in chunks/NN-slug/
    overlay   what a hand-in may contain
    build     tangles and compiles
    machine   boots an image under a budget of instructions
    records   what the machine sent, and whether it is authentic
    check     what an exercise's check.py is made of
    grade     gives verdicts and points
    report    words for the student
    audit     tests the exercises themselves

Only Python's standard library is used. The guest's half is check.h, runner.c.
"""
