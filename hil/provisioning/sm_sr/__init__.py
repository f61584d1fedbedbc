"""The SM-SR (patent FIG. 2 (240)): keeps the EIS, manages profiles over the air."""
